package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/dubbofn/dubbofn/invoker"
)

// Rule says which events become calls, of what, and with which arguments. Its JSON form is that of DUBBOFN_EVENTS too.
type Rule struct {
	// Name is what logs, metrics and errors call it. Default: "interface.method".
	Name string `json:"name,omitempty"`
	On   Match  `json:"on"`
	Call Target `json:"call"`
	// Args are the arguments, one for each parameter. Default: nothing where the method takes nothing, else "data" for its only parameter.
	Args []Arg `json:"args,omitempty"`
	// Reply says what event the result becomes. nil: none, the result is dropped.
	Reply *Reply `json:"reply,omitempty"`
	// Errors says what becomes of what the method throws, by the Java class, "*" for any other: [Final], [Retry] or [Answer]. Default: [Final].
	Errors map[string]string `json:"errors,omitempty"`
}

// What becomes of an exception: values of [Rule.Errors].
const (
	Final  = "final" // trying again is of no use
	Retry  = "retry"
	Answer = "reply" // it becomes the reply event, of type [Reply.ErrorType]
)

// Match says which events a [Rule] is for: those that everything said here fits. A text that ends with "*" fits what begins so; any other fits
// what is the same. Empty fits all. The first rule that fits an event has it.
type Match struct {
	Type       string            `json:"type,omitempty"`
	Source     string            `json:"source,omitempty"`
	Subject    string            `json:"subject,omitempty"`
	Extensions map[string]string `json:"extensions,omitempty"`
	// CESQL is an expression of CloudEvents SQL 1.0, as "subject LIKE 'eu/%'".
	CESQL string `json:"cesql,omitempty"`
}

// Target names a method. Where the process offers the service itself it is called here, else over the network.
type Target struct {
	Service string `json:"service,omitempty"` // the Java interface
	Version string `json:"version,omitempty"`
	Group   string `json:"group,omitempty"`
	Method  string `json:"method"`
	// Parameters are its Java types, as "java.lang.String". They are needed for one of several overloads, and to call over the network.
	Parameters []string `json:"parameters,omitempty"`
}

// Key gives the service.
func (t Target) Key() invoker.ServiceKey {
	return invoker.ServiceKey{Interface: t.Service, Version: t.Version, Group: t.Group}
}

// Reply says what a result becomes.
type Reply struct {
	Type string `json:"type"`
	// Source is the reply's own. Default: "/" and the application.
	Source string `json:"source,omitempty"`
	// ErrorType is of the event that an exception becomes. Default: Type with ".failed" behind it.
	ErrorType string `json:"errorType,omitempty"`
}

// Arg is where one argument comes from. In JSON it is From, or {"const": …}.
type Arg struct {
	// From is "event" (all of it: a map of its attributes, with its data under "data"), "data", a part of the data such as "data.customer.id",
	// "data.items[0].sku" or "data[\"a.b\"]", or "attribute:NAME", of an extension too. What the event has not is null.
	From string
	// Const is a value that is always the same, where From is empty.
	Const any
}

// UnmarshalJSON reads both forms.
func (a *Arg) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*a = Arg{}
		return json.Unmarshal(b, &a.From)
	}
	var form map[string]json.RawMessage
	if err := json.Unmarshal(b, &form); err != nil || len(form) != 1 || form["const"] == nil {
		return fmt.Errorf("argument %s: want \"event\", \"data\", \"data.PATH\", \"attribute:NAME\" or {\"const\": VALUE}", bytes.TrimSpace(b[:min(len(b), 200)]))
	}
	d := json.NewDecoder(bytes.NewReader(form["const"]))
	d.UseNumber()
	*a = Arg{}
	return d.Decode(&a.Const)
}

// MarshalJSON writes them.
func (a Arg) MarshalJSON() ([]byte, error) {
	if a.From != "" {
		return json.Marshal(a.From)
	}
	return json.Marshal(map[string]any{"const": a.Const})
}

// maxRules bounds a document.
const maxRules = 1000

// ParseRules reads rules as JSON: {"rules": [ … ]}, or the list alone. Names that are no setting are faults. What the rules mean is checked by
// whoever opens a [Receiver].
func ParseRules(text []byte) ([]Rule, error) {
	var doc struct {
		Rules []Rule `json:"rules"`
	}
	into := any(&doc)
	if t := bytes.TrimLeft(text, " \t\r\n"); len(t) > 0 && t[0] == '[' {
		into = &doc.Rules
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return nil, fmt.Errorf("read rules of events: %w", err)
	}
	if len(doc.Rules) == 0 {
		return nil, errors.New("read rules of events: there is none: want {\"rules\": [{\"on\": {\"type\": …}, \"call\": {\"service\": …, \"method\": …}}]}")
	}
	if len(doc.Rules) > maxRules {
		return nil, fmt.Errorf("read rules of events: there are %d (limit %d)", len(doc.Rules), maxRules)
	}
	return doc.Rules, nil
}

// Label gives the rule's name, or the default one.
func (r Rule) Label() string {
	if r.Name != "" {
		return r.Name
	}
	return r.Call.Service + "." + r.Call.Method
}

// Fits tells whether a pattern of [Match] fits a text.
func Fits(pattern, text string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(text, prefix)
	}
	return pattern == "" || pattern == text
}
