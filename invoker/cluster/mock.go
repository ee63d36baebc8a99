package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/dubbofn/dubbofn/invoker"
)

// mock is an answer in place of a provider's, in the words of Java's parameter mock (MockClusterInvoker, MockInvoker and
// support.MockInvoker, 3.3.6): "return VALUE" or "throw CLASS", after "force:" for every call, after "fail:" or nothing for calls that
// fail. VALUE is null, empty (the type's zero value), true, false or JSON.
type mock struct {
	force bool
	throw bool
	class string // to be thrown; empty: the call fails
	empty bool
	value []byte // JSON
}

// parseMock reads one; nil where there is none.
func parseMock(text string) (*mock, error) {
	text = strings.TrimSpace(text)
	if text == "" || text == "false" || text == "0" || text == "no" || text == "N/A" {
		return nil, nil
	}
	m := &mock{}
	rest, found := strings.CutPrefix(text, "force:")
	if m.force = found; !found {
		rest, _ = strings.CutPrefix(text, "fail:")
	}
	rest = strings.TrimSpace(rest)
	verb, what, _ := strings.Cut(rest, " ")
	what = strings.Trim(strings.TrimSpace(what), "`")
	switch verb {
	case "throw":
		m.throw, m.class = true, what
		return m, nil
	case "return":
	default:
		return nil, errors.New(`want "return VALUE" or "throw CLASS", after "force:" or "fail:"; a Mock class is Java's alone`)
	}
	if n := len(what); n > 1 && what[0] == '\'' && what[n-1] == '\'' {
		what = `"` + what[1:n-1] + `"`
	}
	switch {
	case what == "" || what == "null":
		m.value = []byte("null")
	case what == "empty":
		m.empty = true
	case json.Valid([]byte(what)):
		m.value = []byte(what)
	default:
		m.value = strconv.AppendQuote(nil, what)
		if !json.Valid(m.value) {
			return nil, errors.New("the text has characters that want JSON's way to write them")
		}
	}
	return m, nil
}

// mocked reads what holds for a method. What an operator wrote may be nonsense: then there is no mock.
func (c *Config) mocked(text string) *mock {
	m, err := parseMock(text)
	if err != nil {
		c.Log.Warn("cluster: the mock makes no sense; there is none", "service", c.Service, "mock", text, "error", err)
	}
	return m
}

// mock answers a call in place of a provider: all calls where that is forced, else those that failed with err.
func (c *Cluster) mock(m *method, inv *invoker.Invocation, err error) (invoker.Result, error) {
	k := m.settings.mock
	if k == nil {
		return invoker.Result{}, err
	}
	c.counts.mocked.Add(1)
	if err != nil {
		c.cfg.Log.Warn("cluster: a call failed and is answered by its mock", "service", inv.Service, "method", m.name, "error", err)
	}
	if k.throw {
		if k.class != "" {
			return invoker.Result{}, &invoker.Exception{Class: k.class, Message: "mocked exception for service degradation"}
		}
		return invoker.Result{}, invoker.Errorf(invoker.CodeUnavailable, "call "+inv.Service.String()+"."+m.name, "the mock says throw")
	}
	res, fault := k.answer(inv.Into)
	if fault != nil {
		return invoker.Result{}, invoker.Errorf(invoker.CodeClient, "call "+inv.Service.String()+"."+m.name, "the mock: %w", fault)
	}
	return res, nil
}

// answer gives the value in the form that the caller wants.
func (m *mock) answer(into any) (invoker.Result, error) {
	var res invoker.Result
	if into == nil {
		if m.empty {
			return res, nil
		}
		return res, json.Unmarshal(m.value, &res.Value)
	}
	v := reflect.ValueOf(into).Elem()
	v.SetZero()
	if m.empty {
		switch v.Kind() {
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		case reflect.Map:
			v.Set(reflect.MakeMap(v.Type()))
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
		default:
		}
		return res, nil
	}
	if err := json.Unmarshal(m.value, into); err != nil {
		return res, fmt.Errorf("%s is no %v: %w", m.value, v.Type(), err)
	}
	return res, nil
}
