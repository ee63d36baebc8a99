package fn

import (
	"context"
	"errors"
	"strings"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/internal/javatype"
	"github.com/dubbofn/dubbofn/invoker"
)

// genericException is what consumers of both lines get from Java providers of both (Java: GenericFilter, 2.7.23 and 3.3).
const genericException = "com.alibaba.dubbo.rpc.service.GenericException"

// generic runs calls of a service that name the method and its types in their arguments: $invoke and $invokeAsync, which
// differ on the consumer's side only (Java: GenericService and GenericFilter, 3.3).
type generic struct {
	iface   string
	key     invoker.ServiceKey
	methods map[string]*overloads
	types   *hessian.Types
}

// call has the arguments (method, types, arguments). The invocation becomes one of the method itself, so that filters see that.
func (g *generic) call(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
	if err := g.checkForm(inv); err != nil {
		return invoker.Result{}, err
	}
	if len(inv.Args) != 3 {
		return invoker.Result{}, invoker.Errorf(invoker.CodeBadRequest, "call "+inv.Method, "%d arguments; want 3", len(inv.Args))
	}
	name, _ := inv.Args[0].(string)
	types, _ := inv.Args[1].([]string)
	args, _ := inv.Args[2].([]any)
	o, err := g.find(strings.TrimSpace(name), types, len(args))
	if err != nil {
		return invoker.Result{}, err
	}
	if err := g.realize(o, inv, args); err != nil {
		return invoker.Result{}, err
	}
	res, failure := o.Invoke(ctx, inv)
	if failure != nil {
		return res, g.failure(failure)
	}
	value, failure := g.types.Generalize(res.Value)
	if failure != nil {
		return invoker.Result{}, invoker.Errorf(invoker.CodeBadResponse, "call "+o.iface+"."+o.name, "generic result: %w", failure)
	}
	res.Value = value
	return res, nil
}

// checkForm lets the Map form through. The value is what Java's consumers send as the attachment "generic".
func (g *generic) checkForm(inv *invoker.Invocation) error {
	switch form := strings.ToLower(inv.Attachments.Get("generic")); form {
	case "", "true", "false": // "false" is what a proxy of the interface itself would send
		return nil
	default:
		return invoker.Errorf(invoker.CodeBadRequest, "call "+inv.Method, "generic=%s is not offered; want generic=true", shown(form))
	}
}

// find chooses the method. Without types it must be the only one of its name with that many parameters.
func (g *generic) find(name string, types []string, args int) (*overload, error) {
	m := g.methods[name]
	if m == nil {
		v := version{methods: g.methods}
		return nil, v.noMethod(g.iface, name)
	}
	if len(types) == 0 {
		var found []*overload
		for _, o := range m.all {
			if len(o.sig.Params) == args {
				found = append(found, o)
			}
		}
		switch len(found) {
		case 1:
			return found[0], nil
		case 0:
			return nil, invoker.Errorf(invoker.CodeNotFound, lookUp, "no method %s of %d parameters in %s; it has %s", shown(name), args, g.iface, listed(forms(m.all)))
		}
		return nil, invoker.Errorf(invoker.CodeNotFound, lookUp, "%s.%s is ambiguous without parameter types: give those of one of %s", g.iface, m.name, listed(forms(found)))
	}
	if len(types) != args {
		return nil, invoker.Errorf(invoker.CodeBadRequest, lookUp, "%s.%s: %d types for %d arguments", g.iface, m.name, len(types), args)
	}
	declared := make([]string, len(types))
	for i, t := range types {
		declared[i] = javatype.Descriptor(t)
	}
	if each, ok := javatype.Parameters(strings.Join(declared, "")); !ok || len(each) != len(declared) {
		return nil, invoker.Errorf(invoker.CodeBadRequest, lookUp, "%s.%s: types %s are not Java's", g.iface, m.name, shown(strings.Join(types, ",")))
	}
	o, err := m.choose(declared)
	if err != nil {
		return nil, err
	}
	return o, nil
}

// realize makes inv a call of o, with arguments of its types.
func (g *generic) realize(o *overload, inv *invoker.Invocation, args []any) error {
	values := make([]any, len(args))
	for i, p := range o.sig.Params {
		v, err := p.Realize(g.types, args[i])
		if err != nil {
			return invoker.Errorf(invoker.CodeBadRequest, "call "+o.iface+"."+o.name, "argument %d: want %s: %w", i+1, o.forms[i], err)
		}
		values[i] = v
	}
	inv.Method, inv.Args, inv.Descriptor = o.name, values, descriptorsOf(o.forms)
	return nil
}

// failure is an exception's generic form. What is no answer of the method stays what it is.
func (g *generic) failure(err error) error {
	var e *invoker.Exception
	if !errors.As(err, &e) {
		return err
	}
	return &invoker.Exception{
		Class:   genericException,
		Message: e.Error(),
		Fields:  map[string]any{"exceptionClass": e.Class, "exceptionMessage": e.Message},
		Trace:   e.Trace,
	}
}

// echo gives back what it got (Java: EchoFilter, 3.3). Unlike Java's it wants the service's token, where there is one.
func echo(_ context.Context, inv *invoker.Invocation) (invoker.Result, error) {
	if len(inv.Args) != 1 {
		return invoker.Result{}, invoker.Errorf(invoker.CodeBadRequest, "call $echo", "%d arguments; want 1", len(inv.Args))
	}
	return invoker.Result{Value: inv.Args[0]}, nil
}
