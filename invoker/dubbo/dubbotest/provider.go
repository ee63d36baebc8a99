package dubbotest

import (
	"context"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

const service = "org.example.EchoService"

// provider offers the methods that the suite calls.
type provider struct {
	types   *hessian.Types
	methods map[string]method
	told    atomic.Int64 // one-way calls that ran
	running atomic.Int64 // sleeps under way
}

type method struct {
	run invoker.Func
	sig *hessian.Signature
}

func newProvider() (*provider, error) {
	p := &provider{types: hessian.NewTypes(), methods: map[string]method{}}
	text, err := p.types.Plan(reflect.TypeFor[string]())
	if err != nil {
		return nil, err
	}
	bytes, err := p.types.Plan(reflect.TypeFor[[]byte]())
	if err != nil {
		return nil, err
	}
	number, err := p.types.Plan(reflect.TypeFor[int64]())
	if err != nil {
		return nil, err
	}
	echo := func(_ context.Context, inv *invoker.Invocation) (invoker.Result, error) {
		return invoker.Result{Value: inv.Args[0]}, nil
	}
	p.methods["echo"] = method{echo, &hessian.Signature{Params: []*hessian.Plan{text}, Result: text}}
	p.methods["echoBytes"] = method{echo, &hessian.Signature{Params: []*hessian.Plan{bytes}, Result: bytes}}
	p.methods["sleep"] = method{p.sleep, &hessian.Signature{Params: []*hessian.Plan{number}, Result: text}}
	p.methods["tell"] = method{p.tell, &hessian.Signature{}}
	p.methods["attach"] = method{attach, &hessian.Signature{Params: []*hessian.Plan{text}, Result: text}}
	p.methods["refuse"] = method{refuse, &hessian.Signature{}}
	p.methods["limited"] = method{deadline, &hessian.Signature{Result: text, Timeout: 7 * time.Second}}
	return p, nil
}

// Types tells the server how dynamic values are written.
func (p *provider) Types() *hessian.Types { return p.types }

// Lookup finds a method by its name.
func (p *provider) Lookup(path, _, name, _ []byte) (invoker.Invoker, *hessian.Signature, error) {
	if string(path) != service {
		return nil, nil, invoker.Errorf(invoker.CodeNotFound, "look up", "no service %q; there is %s", path, service)
	}
	m, ok := p.methods[string(name)]
	if !ok {
		return nil, nil, invoker.Errorf(invoker.CodeNotFound, "look up", "no method %q in %s", name, service)
	}
	return m.run, m.sig, nil
}

// sleep answers after so many milliseconds, or when its context ends.
func (p *provider) sleep(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
	p.running.Add(1)
	defer p.running.Add(-1)
	ms, _ := inv.Args[0].(int64)
	select {
	case <-time.After(time.Duration(ms * int64(time.Millisecond))):
		return invoker.Result{Value: "slept"}, nil
	case <-ctx.Done():
		return invoker.Result{}, ctx.Err()
	}
}

func (p *provider) tell(context.Context, *invoker.Invocation) (invoker.Result, error) {
	p.told.Add(1)
	return invoker.Result{}, nil
}

// attach answers with one of the attachments, and sends it back as an attachment too.
func attach(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
	key, _ := inv.Args[0].(string)
	v := inv.Attachments.Get(key)
	invoker.FromContext(ctx).Reply.Set("back", v)
	return invoker.Result{Value: v}, nil
}

func refuse(context.Context, *invoker.Invocation) (invoker.Result, error) {
	return invoker.Result{}, invoker.Errorf(invoker.CodeUnauthenticated, "call", "the token is wrong")
}

// deadline answers with the time that the call has.
func deadline(ctx context.Context, _ *invoker.Invocation) (invoker.Result, error) {
	d, ok := ctx.Deadline()
	if !ok {
		return invoker.Result{Value: "none"}, nil
	}
	return invoker.Result{Value: time.Until(d).Round(time.Second).String()}, nil
}
