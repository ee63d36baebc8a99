package cloudevent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	cesql "github.com/cloudevents/sdk-go/sql/v2"
	"github.com/cloudevents/sdk-go/sql/v2/parser"
	sdk "github.com/cloudevents/sdk-go/v2/event"

	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/internal/cebind"
	"github.com/dubbofn/dubbofn/invoker"
)

// rule is a checked one.
type rule struct {
	event.Rule
	label  string
	query  cesql.Expression // nil: none
	args   []argument
	method event.Method // of the process's own; zero for somebody else's
	own    bool
	source string // of replies, as a header has it
	text   []bool // of each parameter: a text is its argument as it is
}

// compile checks rules against what can be called. Every fault names its rule, and what would do.
func compile(rules []event.Rule, h event.Host) (all []*rule, faults []error) {
	if len(rules) == 0 {
		return nil, []error{errors.New("there is no rule for events: set DUBBOFN_EVENTS, or say fn.OnEvent at a service")}
	}
	labels := map[string]int{}
	for i, r := range rules {
		c := &rule{Rule: r, label: r.Label()}
		if labels[c.label]++; labels[c.label] > 1 {
			c.label += fmt.Sprintf(" %d", labels[c.label])
		}
		for _, err := range c.check(h) {
			faults = append(faults, fmt.Errorf("rule %d (%s): %w", i+1, c.label, err))
		}
		all = append(all, c)
	}
	return all, faults
}

func (c *rule) check(h event.Host) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for name := range c.On.Extensions {
		if !attributeName(name) {
			fault("on: extension %q: want small letters and digits", name)
		}
	}
	if c.On.CESQL != "" {
		var err error
		if c.query, err = parseCESQL(c.On.CESQL); err != nil {
			fault("on: cesql %q: %w", c.On.CESQL, err)
		}
	}
	var err error
	if c.source, err = checkReply(c.Reply, h.App); err != nil {
		fault("reply: %w", err)
	}
	for class, what := range c.Errors {
		switch {
		case what != event.Final && what != event.Retry && what != event.Answer:
			fault("errors: %s: %q: want %s, %s or %s", class, what, event.Final, event.Retry, event.Answer)
		case what == event.Answer && c.Reply == nil:
			fault("errors: %s: %q needs a reply: want its type", class, what)
		}
	}
	return append(faults, c.target(h)...)
}

// checkReply tries whether the attributes make an event, and gives its source as a header has it.
func checkReply(r *event.Reply, app string) (source string, err error) {
	if r == nil {
		return "", nil
	}
	if r.Type == "" {
		return "", errors.New("type is empty: want that of the reply event")
	}
	e := sdk.New()
	e.SetID("1")
	e.SetType(r.Type)
	e.SetSource(sourceOf(r, app))
	if err := e.Validate(); err != nil {
		return "", fmt.Errorf("type %q, source %q are no event's: %s", r.Type, r.Source, strings.Join(strings.Fields(err.Error()), " "))
	}
	return cebind.Percent(e.Source()), nil
}

// target finds the method, and checks the arguments against its parameters.
func (c *rule) target(h event.Host) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Call.Service == "" || c.Call.Method == "" {
		fault("call: want a service and a method, as {service: org.example.OrderService, method: place}")
		return faults
	}
	var err error
	c.method, c.own, err = h.Method(c.Call)
	switch {
	case err != nil:
		fault("call: %w", err)
		return faults
	case c.own:
	case h.Remote == nil:
		fault("call: service %s is none of this process's, and the program has no client: hand one over, as serve.Main(…, client)", c.Call.Key())
	case c.Call.Parameters == nil:
		fault("call: %s.%s is somebody else's: want parameters, its Java types, as [java.lang.String]", c.Call.Service, c.Call.Method)
		return faults
	default:
		c.method.Parameters = c.Call.Parameters
	}
	if c.Args == nil && len(c.method.Parameters) == 1 {
		c.Args = []event.Arg{{From: "data"}}
	}
	if len(c.Args) != len(c.method.Parameters) {
		fault("args: %d, and %s.%s takes %d (%s)", len(c.Args), c.Call.Service, c.Call.Method, len(c.method.Parameters), strings.Join(c.method.Parameters, ", "))
		return faults
	}
	for i, a := range c.Args {
		x, err := parseArgument(a)
		if err == nil && a.From == "" && c.own {
			_, err = c.method.Argument(i, a.Const)
		}
		if err != nil {
			fault("args: argument %d (%s): %w", i+1, c.method.Parameters[i], err)
		}
		c.args = append(c.args, x)
		c.text = append(c.text, c.own && c.takesText(i))
	}
	return faults
}

// takesText tells whether an argument that is a text is the method's as it is.
func (c *rule) takesText(i int) bool {
	const probe = "a"
	v, err := c.method.Argument(i, probe)
	s, same := v.(string)
	return err == nil && same && s == probe && c.method.Parameters[i] == "java.lang.String"
}

// parseCESQL is the SDK's, which panics where a text is no expression (sql/v2 2.16.2).
func parseCESQL(text string) (x cesql.Expression, err error) {
	defer func() {
		if p := recover(); p != nil {
			x, err = nil, errors.New("not an expression of CloudEvents SQL: want one as \"subject LIKE 'eu/%'\"")
		}
	}()
	if x, err = parser.Parse(text); err != nil {
		return nil, fmt.Errorf("not an expression of CloudEvents SQL: %s", strings.Join(strings.Fields(err.Error()), " "))
	}
	return x, nil
}

// fits tells whether an event is the rule's.
func (c *rule) fits(e *incoming) bool {
	if !event.Fits(c.On.Type, e.typ) || !event.Fits(c.On.Source, e.source) || !event.Fits(c.On.Subject, e.subject) {
		return false
	}
	for name, pattern := range c.On.Extensions {
		v, ok := e.attribute(name)
		if !ok || !event.Fits(pattern, v) {
			return false
		}
	}
	return c.query == nil || holds(c.query, *e.event())
}

// holds tells whether an expression is true of an event. An error, as of an attribute that is not there, is false.
func holds(x cesql.Expression, e sdk.Event) (yes bool) {
	defer func() {
		if recover() != nil {
			yes = false
		}
	}()
	v, err := x.Evaluate(e)
	yes, _ = v.(bool)
	return yes && err == nil
}

// match gives the first rule that fits.
func match(rules []*rule, e *incoming) *rule {
	for _, r := range rules {
		if r.fits(e) {
			return r
		}
	}
	return nil
}

// typesOf gives the types that rules name whole: those whose names a trace may have, since a backend keeps each as an endpoint.
func typesOf(rules []*rule) map[string]bool {
	types := map[string]bool{}
	for _, r := range rules {
		if r.On.Type != "" && !strings.HasSuffix(r.On.Type, "*") {
			types[r.On.Type] = true
		}
	}
	return types
}

// attributeName tells whether a name may be an extension's.
func attributeName(s string) bool {
	return s != "" && !slices.ContainsFunc([]byte(s), func(c byte) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') })
}

// invocation makes the call of a rule. The error is of the event: it will never be right.
func (c *rule) invocation(d *document) (*invoker.Invocation, error) {
	args := make([]any, len(c.args))
	for i, a := range c.args {
		if a.data && c.own {
			if text, ok := d.raw(a.path); ok {
				if args[i], ok = c.method.FromJSON(i, text); ok {
					continue
				}
			}
		}
		v, err := a.of(d)
		if _, text := v.(string); text && c.text[i] {
			args[i] = v
			continue
		}
		if err == nil && c.own {
			v, err = c.method.Argument(i, v)
		} else if err == nil {
			v, err = foreign(c.method.Parameters[i], v)
		}
		if err != nil {
			return nil, fmt.Errorf("argument %d of %s.%s (%s): %w", i+1, c.Call.Service, c.Call.Method, c.method.Parameters[i], err)
		}
		args[i] = v
	}
	inv := &invoker.Invocation{Service: c.Call.Key(), Method: c.Call.Method, Descriptor: c.method.Descriptor, Args: args}
	if !c.own {
		inv.Method, inv.Descriptor, inv.Args = "$invoke", genericDescriptor, []any{c.Call.Method, c.Call.Parameters, args}
		inv.Attachments.Set("generic", "true")
	}
	return inv, nil
}

// called is the error of a call, and what the function itself returned.
type called struct {
	error
	own error
}

// Unwrap gives what a consumer would get.
func (c *called) Unwrap() error { return c.error }

// genericDescriptor is that of GenericService.$invoke(String, String[], Object[]).
const genericDescriptor = "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;"

// call runs it, as long as ctx lasts.
func (c *rule) call(ctx context.Context, h event.Host, inv *invoker.Invocation) (any, error) {
	if c.own {
		ctx, failure := event.WithFailure(ctx)
		res, err := h.Local.Invoke(ctx, inv)
		if err != nil {
			return nil, &called{err, failure.Err}
		}
		return res.Value, nil
	}
	remote, err := h.Remote(ctx, c.Call.Key())
	if err != nil {
		return nil, invoker.Errorf(invoker.CodeUnavailable, "call "+c.Call.Key().String()+"."+c.Call.Method, "%w", err)
	}
	res, err := remote.Invoke(ctx, inv)
	return res.Value, err
}
