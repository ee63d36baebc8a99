package fn

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/internal/javatype"
	"github.com/dubbofn/dubbofn/invoker"
)

// OnEvent has events call methods of the service: each rule says which events, which method, and where its arguments come from. The rules' service,
// version and group are this one's. A program with rules needs a part that takes events: cloudevent.Events().
func OnEvent(rules ...event.Rule) Option {
	return serviceOption(func(s *Service) {
		if len(rules) == 0 {
			s.fault("fn.OnEvent has no rule: want fn.OnEvent(event.Rule{On: …, Call: event.Target{Method: …}})")
		}
		s.events = append(s.events, rules...)
	})
}

// Events gives the rules of all services, each with the service that it stands at.
func (s *Set) Events() []event.Rule {
	var all []event.Rule
	for _, o := range s.sorted() {
		for _, r := range o.events {
			r.Call.Service, r.Call.Version, r.Call.Group = o.key.Interface, o.key.Version, o.key.Group
			all = append(all, r)
		}
	}
	return all
}

// EventMethod finds a method for events. own is false, and the error nil, where the set has no such interface.
func (s *Set) EventMethod(t event.Target) (m event.Method, own bool, err error) {
	svc := s.services[t.Service]
	if svc == nil {
		return event.Method{}, false, nil
	}
	o, err := s.eventMethod(svc, t)
	if err != nil {
		var e *invoker.Error
		if errors.As(err, &e) {
			err = e.Err // without the words of the wire
		}
		return event.Method{}, true, err
	}
	twins := make([]*twin, len(o.params))
	for i, rt := range o.params {
		twins[i] = s.twin(rt)
	}
	result := s.twin(o.result)
	return event.Method{
		FromJSON: func(i int, text []byte) (any, bool) {
			if twins[i] == nil {
				return nil, false
			}
			return twins[i].read(text)
		},
		ToJSON: func(v any) ([]byte, bool) {
			if result == nil {
				return nil, false
			}
			return result.write(v)
		},
		Descriptor: descriptorsOf(o.forms),
		Parameters: o.forms,
		Void:       o.result == nil,
		Timeout:    o.sig.Timeout,
		Argument:   func(i int, v any) (any, error) { return o.sig.Params[i].Realize(s.types, v) },
		Result:     s.types.Generalize,
	}, true, nil
}

func (s *Set) eventMethod(svc *iface, t event.Target) (*overload, error) {
	v := svc.find([]byte(t.Version))
	if v == nil {
		return nil, invoker.Errorf(invoker.CodeNotFound, lookUp, "no version %s of %s; there is %s", shown(t.Version), svc.name, listed(s.keys(svc.name)))
	}
	m := v.methods[t.Method]
	if m == nil || strings.HasPrefix(t.Method, "$") {
		return nil, v.noMethod(svc.name, t.Method)
	}
	var found []*overload
	for _, o := range m.all {
		if o.inGroup(t.Group) && (t.Parameters == nil || o.declares(t.Parameters)) {
			found = append(found, o)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, invoker.Errorf(invoker.CodeNotFound, lookUp, "no method %s(%s) in %s; it has %s", t.Method, strings.Join(t.Parameters, ","), t.Key(), listed(forms(m.all)))
	}
	return nil, invoker.Errorf(invoker.CodeNotFound, lookUp, "%s.%s has overloads: give the parameters of one of %s", svc.name, t.Method, listed(forms(found)))
}

func (o *overload) inGroup(group string) bool {
	for i := range o.groups {
		if o.groups[i].group == group {
			return true
		}
	}
	return false
}

// declares tells whether these are the parameters' types, with or without type arguments.
func (o *overload) declares(types []string) bool {
	if len(types) != len(o.forms) {
		return false
	}
	for i, t := range types {
		if t != o.forms[i] && javatype.Descriptor(t) != javatype.Descriptor(o.forms[i]) {
			return false
		}
	}
	return true
}

// ReadHessian reads one value in Hessian's dynamic form, as an event's data may be. The limits are those of a request.
func (s *Set) ReadHessian(b []byte) (any, error) {
	var d hessian.Decoder
	d.Reset(s.types, b, hessian.Limits{})
	v, err := d.Value()
	if err == nil && d.Remaining() > 0 {
		err = fmt.Errorf("read hessian: %d bytes behind the value", d.Remaining())
	}
	return v, err
}
