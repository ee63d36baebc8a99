package rule

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
)

// Condition is a condition router: "when => then" lines, each of which sends the calls that its left side means to the providers
// that its right side means (Java: ConditionStateRouter, 3.3.6).
type Condition struct {
	Head       head     `yaml:",inline"`
	Conditions []string `yaml:"conditions"`

	lines    []line
	consumer Consumer
}

// Consumer is what conditions may ask of the side that calls.
type Consumer struct {
	Application string
	Host        string
	Service     invoker.ServiceKey
}

// line is one condition.
type line struct {
	when []term
	then []term
	none bool // there is no right side: calls that are meant go nowhere
}

// term compares one value with patterns.
type term struct {
	key            string
	argument       int    // of arguments[0]; -1 otherwise
	attachment     string // of attachments[key]
	equal, unequal []string
}

// ParseCondition reads a document "….condition-router". Its error joins every fault.
func ParseCondition(doc string) (Condition, error) {
	var c Condition
	if err := read(doc, &c); err != nil {
		return c, err
	}
	var faults []error
	if err := known(c.Head.ConfigVersion); err != nil {
		return c, err
	}
	if len(c.Conditions) == 0 {
		faults = append(faults, errors.New(`no conditions: want a list of lines like "method=sayHello => region=hangzhou"`))
	}
	for i, s := range c.Conditions {
		l, err := parseLine(s)
		if err != nil {
			faults = append(faults, fmt.Errorf("condition %d (%q): %w", i+1, s, err))
		}
		c.lines = append(c.lines, l)
	}
	return c, join(faults)
}

// of gives the router of a consumer.
func (c Condition) of(consumer Consumer) Condition {
	c.consumer = consumer
	return c
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
	if l.none = then == "" || then == "false"; !l.none {
		l.then, thenErr = parseTerms(then)
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
func (c Condition) AppendKey(key []byte, inv *invoker.Invocation) []byte {
	for i := range c.lines {
		for _, t := range c.lines[i].when {
			if value, ok, varies := c.ofCall(t, inv); varies {
				if !ok {
					key = append(key, 1)
				}
				key = append(append(key, value...), 2)
			}
		}
	}
	return key
}

// Route implements [cluster.Router].
func (c Condition) Route(inv *invoker.Invocation, in []*cluster.Provider) []*cluster.Provider {
	if !c.Head.enabled() {
		return in
	}
	for i := range c.lines {
		l := &c.lines[i]
		if len(in) == 0 || !c.means(l, inv) {
			continue
		}
		if l.none {
			return nil
		}
		left := keep(in, func(p *cluster.Provider) bool { return c.takes(l, p) })
		if len(left) > 0 || c.Head.Force {
			in = left
		}
	}
	return in
}

// means tells whether the left side means the call.
func (c Condition) means(l *line, inv *invoker.Invocation) bool {
	for _, t := range l.when {
		value, ok, _ := c.ofCall(t, inv)
		if !ok || !t.matches(value, true, nil) {
			return false
		}
	}
	return true
}

// takes tells whether the right side means a provider.
func (c Condition) takes(l *line, p *cluster.Provider) bool {
	if len(l.then) == 0 {
		return false
	}
	for _, t := range l.then {
		value, ok := ofProvider(t, p)
		if !ok || !t.matches(value, false, &c) {
			return false
		}
	}
	return true
}

// notFound is the value of an argument that is not there: it matches nothing, but != does.
const notFound = "dubbo_internal_not_found_argument_condition_value"

// ofCall gives a value of the calling side; varies tells whether it is another for other calls.
func (c Condition) ofCall(t term, inv *invoker.Invocation) (value string, ok, varies bool) {
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
	value, ok = c.consumer.param(t.key)
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
func (t term) matches(value string, when bool, c *Condition) bool {
	if slices.ContainsFunc(t.unequal, func(p string) bool { return match(p, value, when, c) }) {
		return false
	}
	if len(t.equal) == 0 {
		return len(t.unequal) > 0
	}
	return slices.ContainsFunc(t.equal, func(p string) bool { return match(p, value, when, c) })
}

// match compares a value with one pattern; "$key" on the right side is the consumer's value.
func match(pattern, value string, when bool, c *Condition) bool {
	if strings.Contains(pattern, "~") {
		return inRange(pattern, value, !when)
	}
	if c != nil && strings.HasPrefix(pattern, "$") {
		pattern, _ = c.consumer.param(pattern[1:])
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
