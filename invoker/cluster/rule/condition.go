package rule

import (
	"errors"
	"fmt"
	"math"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
)

// Condition is a document of conditions, each of which sends the calls that its left side means to the providers that its right
// side means (Java: ConditionStateRouter, 3.3.6), or to one of several right sides (v3.1; Java: MultiDestConditionRouter).
type Condition struct {
	Head  head
	lines []line
}

// Consumer is what conditions may ask of the side that calls.
type Consumer struct {
	Application string
	Host        string
	Service     invoker.ServiceKey
}

// line is one condition: a router.
type line struct {
	when     []term
	to       []destination // none: calls that are meant go nowhere
	force    bool          // calls that are meant go nowhere else, even if no provider is there
	consumer Consumer
}

// destination is a right side. Calls are shared out among those that have providers, by their weights.
type destination struct {
	then   []term // none: every provider
	weight int
}

// term compares one value with patterns.
type term struct {
	key            string
	argument       int    // of arguments[0]; -1 otherwise
	attachment     string // of attachments[key]
	equal, unequal []string
}

// ParseCondition reads a document "….condition-router". Its error joins the first faults. Without conditions it is no rule (Java:
// ConditionRuleParser, 3.3.6).
func ParseCondition(doc string) (Condition, error) {
	var d struct {
		Head head `yaml:",inline"`
	}
	if err := read(doc, &d); err != nil {
		return Condition{}, err
	}
	c := Condition{Head: d.Head}
	var faults []error
	switch err := known(d.Head.ConfigVersion); {
	case strings.HasPrefix(d.Head.ConfigVersion, "v3.1"):
		faults = c.readDestinations(doc)
	case err != nil:
		faults = append(faults, fmt.Errorf("%w, or v3.1", err))
	default:
		faults = c.readLines(doc)
	}
	return c, join(faults)
}

func (c *Condition) readLines(doc string) (faults []error) {
	var d struct {
		Conditions []string `yaml:"conditions"`
	}
	if err := read(doc, &d); err != nil {
		return []error{err}
	}
	for i, s := range d.Conditions {
		l, err := parseLine(s)
		if err != nil {
			faults = append(faults, fmt.Errorf("condition %d (%q): %w", i+1, s, err))
		}
		c.lines = append(c.lines, l)
	}
	return faults
}

// maxDestinations is how many right sides a condition may have.
const maxDestinations = 64

func (c *Condition) readDestinations(doc string) (faults []error) {
	var d struct {
		Conditions []struct {
			From struct {
				Match string `yaml:"match"`
			} `yaml:"from"`
			To []struct {
				Match  string `yaml:"match"`
				Weight int    `yaml:"weight"`
			} `yaml:"to"`
		} `yaml:"conditions"`
	}
	if err := read(doc, &d); err != nil {
		return []error{err}
	}
	fault := func(n int, of string, err error) {
		if err != nil {
			faults = append(faults, fmt.Errorf("condition %d: %s: %w", n+1, of, err))
		}
	}
	for n, from := range d.Conditions {
		if len(from.To) > maxDestinations {
			fault(n, "to", fmt.Errorf("%d destinations (limit %d)", len(from.To), maxDestinations))
			continue
		}
		var l line
		var err error
		if when := strings.TrimSpace(from.From.Match); when != "" && when != "true" {
			l.when, err = parseTerms(when)
			fault(n, fmt.Sprintf("from %q", when), err)
		}
		for _, to := range from.To {
			d := destination{weight: to.Weight}
			switch {
			case to.Weight <= 0:
				d.weight = defaultShare
			case to.Weight > math.MaxInt32: // Java's limit
				fault(n, "to", fmt.Errorf("weight %d: want up to %d", to.Weight, math.MaxInt32))
			}
			if then := strings.TrimSpace(to.Match); then != "" && then != "false" {
				d.then, err = parseTerms(then)
				fault(n, fmt.Sprintf("to %q", then), err)
			}
			l.to = append(l.to, d)
		}
		c.lines = append(c.lines, l)
	}
	return faults
}

// defaultShare is the weight of a destination that says none.
const defaultShare = 100

// of gives the routers of a consumer.
func (c Condition) of(consumer Consumer) []cluster.Router {
	if !c.Head.enabled() {
		return nil
	}
	var all []cluster.Router
	for _, l := range c.lines {
		l.consumer, l.force = consumer, c.Head.Force
		all = append(all, l)
	}
	return all
}

func parseLine(s string) (line, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return line{}, errors.New("it is empty")
	}
	s = strings.ReplaceAll(strings.ReplaceAll(s, "consumer.", ""), "provider.", "")
	when, then, found := strings.Cut(s, "=>")
	if !found {
		when, then = "", s
	}
	when, then = strings.TrimSpace(when), strings.TrimSpace(then)
	var l line
	var whenErr, thenErr error
	if when != "" && when != "true" {
		l.when, whenErr = parseTerms(when)
	}
	if then != "" && then != "false" {
		l.to = []destination{{weight: defaultShare}}
		l.to[0].then, thenErr = parseTerms(then)
	}
	return l, errors.Join(whenErr, thenErr)
}

var (
	termPart   = regexp.MustCompile(`([&!=,]*)\s*([^&!=,\s]+)`)
	argumentOf = regexp.MustCompile(`^arguments\[([0-9]+)\]`)
	attachedOf = regexp.MustCompile(`^attachments\[([^\]]+)\]`)
)

// parseTerms reads "key=value,value&key!=value".
func parseTerms(s string) ([]term, error) {
	var terms []term
	at := -1
	var values *[]string
	for _, m := range termPart.FindAllStringSubmatch(s, -1) {
		separator, content := m[1], m[2]
		switch separator {
		case "", "&":
			if separator == "&" {
				if at = slices.IndexFunc(terms, func(t term) bool { return t.key == content }); at >= 0 {
					continue
				}
			}
			t, err := newTerm(content)
			if err != nil {
				return nil, err
			}
			terms = append(terms, t)
			at, values = len(terms)-1, nil
		case "=", "!=":
			if at < 0 {
				return nil, fmt.Errorf("%q stands before any key: want key%svalue", separator+content, separator)
			}
			values = &terms[at].equal
			if separator == "!=" {
				values = &terms[at].unequal
			}
			*values = append(*values, content)
		case ",":
			if values == nil || len(*values) == 0 {
				return nil, fmt.Errorf("%q stands before any value: want key=value,value", ","+content)
			}
			*values = append(*values, content)
		default:
			return nil, fmt.Errorf("%q before %q: want &, =, != or ,", separator, content)
		}
	}
	if len(terms) == 0 {
		return nil, fmt.Errorf("%q has no key: want key=value", s)
	}
	return terms, nil
}

func newTerm(key string) (term, error) {
	t := term{key: key, argument: -1}
	switch {
	case strings.HasPrefix(key, "arguments"):
		m := argumentOf.FindStringSubmatch(key)
		if m == nil {
			return t, fmt.Errorf("%q: want arguments[0] or another index", key)
		}
		n, err := strconv.Atoi(m[1])
		if err != nil || n > 255 {
			return t, fmt.Errorf("%q: want an index up to 255", key)
		}
		t.argument = n
	case strings.HasPrefix(key, "attachments"):
		m := attachedOf.FindStringSubmatch(key)
		if m == nil {
			return t, fmt.Errorf("%q: want attachments[key]", key)
		}
		t.attachment = m[1]
	}
	return t, nil
}

// AppendKey implements [cluster.Router].
func (l line) AppendKey(key []byte, inv *invoker.Invocation) []byte {
	for _, t := range l.when {
		if value, ok, varies := l.ofCall(t, inv); varies {
			key = appendPart(key, ok, value)
		}
	}
	return key
}

// Route implements [cluster.Router].
func (l line) Route(inv *invoker.Invocation, in []*cluster.Provider) []cluster.Share {
	if !l.means(inv) {
		return cluster.Whole(in)
	}
	var shares []cluster.Share
	for i := range l.to {
		if left := keep(in, func(p *cluster.Provider) bool { return l.takes(&l.to[i], p) }); len(left) > 0 {
			shares = append(shares, cluster.Share{Weight: l.to[i].weight, Providers: left})
		}
	}
	if len(shares) == 0 && len(l.to) > 0 && !l.force {
		return cluster.Whole(in)
	}
	return shares
}

// means tells whether the left side means the call.
func (l line) means(inv *invoker.Invocation) bool {
	for _, t := range l.when {
		value, ok, _ := l.ofCall(t, inv)
		if !ok || !t.matches(value, true, nil) {
			return false
		}
	}
	return true
}

// takes tells whether a right side means a provider.
func (l line) takes(d *destination, p *cluster.Provider) bool {
	for _, t := range d.then {
		value, ok := ofProvider(t, p)
		if !ok || !t.matches(value, false, &l.consumer) {
			return false
		}
	}
	return true
}

// notFound is the value of an argument that is not there: it matches nothing, but != does.
const notFound = "dubbo_internal_not_found_argument_condition_value"

// ofCall gives a value of the calling side; varies tells whether it is another for other calls.
func (l line) ofCall(t term, inv *invoker.Invocation) (value string, ok, varies bool) {
	switch {
	case t.argument >= 0:
		args := inv.Args
		if inv.Method == "$invoke" && len(args) == 3 {
			if inner, isList := args[2].([]any); isList {
				args = inner
			}
		}
		if t.argument >= len(args) {
			return notFound, true, true
		}
		return javaText(args[t.argument]), true, true
	case t.attachment != "":
		v, there := inv.Attachments.Value(t.attachment)
		return javaText(v), there, true
	case t.key == "method" || t.key == "methods":
		method := inv.Method
		if method == "$invoke" && len(inv.Args) == 3 {
			if name, isText := inv.Args[0].(string); isText {
				method = name
			}
		}
		return method, true, true
	}
	value, ok = l.consumer.param(t.key)
	return value, ok, false
}

// param gives what a consumer's URL holds.
func (c Consumer) param(key string) (string, bool) {
	var v string
	switch key {
	case "application":
		v = c.Application
	case "host", "address":
		v = c.Host
	case "interface", "path":
		v = c.Service.Interface
	case "version":
		v = c.Service.Version
	case "group":
		v = c.Service.Group
	case "side":
		v = "consumer"
	case "protocol":
		v = "consumer"
	}
	return v, v != ""
}

// ofProvider gives a value of a provider.
func ofProvider(t term, p *cluster.Provider) (string, bool) {
	if t.argument >= 0 || t.attachment != "" {
		return notFound, true
	}
	switch t.key {
	case "address":
		return p.Address, true
	case "host", "port":
		host, port, err := net.SplitHostPort(p.Address)
		if t.key == "port" {
			host = port
		}
		return host, err == nil
	case "protocol":
		return "dubbo", true
	}
	v := p.Param(t.key)
	return v, v != ""
}

// matches compares a value with the patterns (Java: AbstractConditionMatcher.isMatch).
func (t term) matches(value string, when bool, c *Consumer) bool {
	if slices.ContainsFunc(t.unequal, func(p string) bool { return match(p, value, when, c) }) {
		return false
	}
	if len(t.equal) == 0 {
		return len(t.unequal) > 0
	}
	return slices.ContainsFunc(t.equal, func(p string) bool { return match(p, value, when, c) })
}

// match compares a value with one pattern; "$key" on the right side is the consumer's value.
func match(pattern, value string, when bool, c *Consumer) bool {
	if strings.Contains(pattern, "~") {
		return inRange(pattern, value, !when)
	}
	if c != nil && strings.HasPrefix(pattern, "$") {
		pattern, _ = c.param(pattern[1:])
	}
	return glob(pattern, value)
}

// javaText writes a value as Java's String.valueOf does, for those that have the same text.
func javaText(v any) string {
	if v == nil {
		return "null"
	}
	if s, ok := v.(string); ok {
		return s
	}
	return fmt.Sprint(v)
}
