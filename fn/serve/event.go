package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/registry"
)

// eventsTimeout is how long the connections of events may take to end.
const eventsTimeout = 2 * time.Second

// caller is an [Outbound] part that calls services by their keys, as a *client.Client does.
type caller interface {
	Invoker(ctx context.Context, key invoker.ServiceKey) (invoker.Invoker, error)
}

// checkEvents refuses rules that nobody would follow.
func checkEvents(c Config, a *assembly, rules []event.Rule) error {
	const add = `; add it: import "github.com/dubbofn/dubbofn/fn/cloudevent" and serve.Main(…, cloudevent.Events())`
	switch {
	case a.receiver != nil:
		return nil
	case c.Events != "" || c.EventsFrom != "":
		return errors.New("DUBBOFN_EVENTS, DUBBOFN_EVENTS_FROM: this program has no part that takes events" + add)
	case len(rules) > 0:
		return fmt.Errorf("fn.OnEvent: rule %q: this program has no part that takes events%s", rules[0].Label(), add)
	}
	return nil
}

// events is what takes events, from when it is opened to when the process leaves.
type events struct {
	leaving <-chan struct{}
	running atomic.Pointer[event.Running] // nil: not yet, or there is none
}

// openEvents has the part that takes events begin, where there is one. opened waits for that.
func (f *function) openEvents(ctx context.Context) (opened func() error) {
	if f.parts.receiver == nil {
		return func() error { return nil }
	}
	outcome := make(chan error, 1)
	go func() {
		running, err := f.parts.receiver.Open(ctx, f.host())
		if err == nil {
			f.events.running.Store(&running)
		}
		outcome <- err
	}()
	return func() error { return <-outcome }
}

// ServeHTTP answers events as the part does. Before it is open, and once the process leaves, another one may take them.
func (e *events) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case <-e.leaving:
		later(w, "this process ends")
		return
	default:
	}
	running := e.running.Load()
	if running == nil {
		later(w, "this process starts")
		return
	}
	(*running).ServeHTTP(w, r)
}

func later(w http.ResponseWriter, why string) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, why, http.StatusServiceUnavailable)
}

// drainEvents lets the events that are there end; ended waits for that. Meanwhile the server takes the calls that they make.
func (f *function) drainEvents(ctx context.Context) (ended func()) {
	running := f.events.running.Load()
	if running == nil {
		return func() {}
	}
	leave, err := f.server.Enter()
	if err != nil { // it is full: the calls that are there keep it open
		leave = func() {}
	}
	ctx, cancel := context.WithTimeout(ctx, f.config.DrainTimeout)
	var draining sync.WaitGroup
	draining.Go(func() {
		defer cancel()
		defer leave()
		if err := (*running).Drain(ctx); err != nil {
			f.log.Warn("drain: events were cut off", "error", err, "limit", f.config.DrainTimeout)
		}
	})
	return draining.Wait
}

// closeEvents ends what takes events, once no method runs any more that could send some.
func (f *function) closeEvents(ctx context.Context) {
	running := f.events.running.Load()
	if running == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, eventsTimeout)
	defer cancel()
	if err := (*running).Close(ctx); err != nil {
		f.log.Warn("closing what takes events failed", "error", err)
	}
}

// host is what the process offers to whatever brings it events.
func (f *function) host() event.Host {
	h := event.Host{
		App: f.config.App, Instance: f.instance, Rules: f.set.Events(), Method: f.set.EventMethod, ReadHessian: f.set.ReadHessian,
		Local: &local{app: f.config.App, tokens: tokensOf(f.metadata()), server: f.server, provider: f.set, first: f.first}, Log: f.log, Observe: f.monitor.events,
	}
	if f.traces != nil {
		h.Tracer = f.traces
	}
	for _, p := range f.parts.outbound {
		if p, ok := p.(caller); ok && h.Remote == nil {
			h.Remote = p.Invoker
		}
	}
	return h
}

// local runs calls that didn't come over the wire as those that did: through the same chain, under the same limit, and the drain waits for them. The process
// itself is their caller, by rules of its own: it knows the services' tokens, and signs nothing.
type local struct {
	app      string
	tokens   map[invoker.ServiceKey]string
	server   *dubbo.Server
	provider dubbo.Provider
	first    func(arrived time.Time)
	replied  atomic.Bool
}

// tokensOf gives what services want to be shown, as consumers learn it.
func tokensOf(m registry.Metadata) map[invoker.ServiceKey]string {
	all := map[invoker.ServiceKey]string{}
	for _, s := range m.Services {
		if token := s.Params["token"]; token != "" {
			all[invoker.ServiceKey{Interface: s.Name, Version: s.Version, Group: s.Group}] = token
		}
	}
	return all
}

// Invoke implements [invoker.Invoker].
func (l *local) Invoke(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
	arrived := time.Now()
	leave, err := l.server.Enter()
	if err != nil {
		return invoker.Result{}, fmt.Errorf("call %s.%s: %w", inv.Service, inv.Method, err)
	}
	defer leave()
	target, sig, err := l.provider.Lookup([]byte(inv.Service.Interface), []byte(inv.Service.Version), []byte(inv.Method), []byte(inv.Descriptor))
	if err != nil {
		return invoker.Result{}, err
	}
	if inv.Caller == (invoker.Caller{}) {
		inv.Caller.Application = l.app
	}
	key := inv.Service
	if key.Version == "0.0.0" { // which is none
		key.Version = ""
	}
	if token := l.tokens[key]; token != "" {
		inv.Attachments.Set("token", token)
	}
	if end, ends := ctx.Deadline(); sig.Timeout > 0 && (!ends || arrived.Add(sig.Timeout).Before(end)) { // what comes from an event ends in time already
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, sig.Timeout)
		defer cancel()
	}
	res, err := target.Invoke(context.WithValue(invoker.NewContext(ctx, inv), within{}, true), inv)
	if !l.replied.Load() && l.replied.CompareAndSwap(false, true) {
		l.first(arrived)
	}
	return res, err
}
