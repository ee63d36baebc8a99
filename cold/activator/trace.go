package activator

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/tracing"
)

// spanParked is what a call's wait is called.
const spanParked = "dubbofn/parked"

// traced is the spans of one call. A nil one is of a call that isn't traced; its methods do nothing.
//
// Every span begins and ends on whichever goroutine has the call then. The entry ends last: what waits of it, a segment say, is complete then.
type traced struct {
	tracer tracing.Tracer
	ctx    context.Context // of the entry; for its values only
	entry  tracing.Span
	name   string

	mu    sync.Mutex
	since time.Time // parked since then; zero: it is not
	err   error     // why there is no answer of the function's
}

// trace begins the spans of a call.
func (p *port) trace(f *dubbo.Frame, r route) *traced {
	a := p.a
	if a.cfg.Tracer == nil {
		return nil
	}
	t := &traced{tracer: a.cfg.Tracer, name: r.service.spanName(f.Method(), f.Descriptor())}
	t.ctx, t.entry = t.tracer.Start(a.base, tracing.Start{
		Kind: tracing.Entry, Name: t.name, Peer: f.Caller(), Layer: tracing.LayerRPC, Component: tracing.ComponentDubbo, Carrier: carried{f}, Begun: f.Arrival(),
	})
	t.entry.Tag("url", "dubbo://"+p.address+"/"+t.name)
	return t
}

// carried is what a frame brings of a trace, its arguments undecoded.
type carried struct{ f *dubbo.Frame }

// Get gives an attachment.
func (c carried) Get(key string) string { return string(c.f.Trace(key)) }

// Set does nothing: a frame is passed on as it came, and what is added goes in headers.
func (carried) Set(string, string) {}

// park notes that the call waits from now on.
func (t *traced) park(now time.Time) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.since = now
}

// unpark makes a span of the wait, where there was one.
func (t *traced) unpark(err error) {
	t.mu.Lock()
	since := t.since
	t.since = time.Time{}
	t.mu.Unlock()
	if since.IsZero() {
		return
	}
	_, span := t.tracer.Start(t.ctx, tracing.Start{Kind: tracing.Local, Name: spanParked, Layer: tracing.LayerFaaS, Begun: since})
	span.Fail(err)
	span.End()
}

// send begins the span of one attempt, and gives what tells its end and passes it on. What the function is to go on with is added to h.
func (t *traced) send(f *dubbo.Frame, app *app, l *lane, h http.Header) func(outcome) outcome {
	if t == nil {
		return untraced
	}
	t.unpark(nil)
	_, span := t.tracer.Start(t.ctx, tracing.Start{
		Kind: tracing.Exit, Name: t.name, Peer: app.peer, Layer: tracing.LayerRPC, Component: tracing.ComponentDubbo, Carrier: h,
	})
	span.Tag("url", app.URL+"/dubbo")
	if l == nil {
		span.Tag("dubbofn.lane", "http")
	} else {
		span.Tag("dubbofn.lane", "early")
	}
	return func(o outcome) outcome {
		switch {
		case o.notRun:
			span.Fail(errors.New(o.why))
		case o.answered:
			t.fail(f.Outcome())
			fallthrough
		default:
			span.Fail(t.failure())
		}
		span.End()
		return o
	}
}

func untraced(o outcome) outcome { return o }

// fail notes why the call failed; what comes first counts.
func (t *traced) fail(err error) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
}

// refuse notes why the activator itself answers.
func (t *traced) refuse(why string) {
	if t != nil {
		t.fail(errors.New(why))
	}
}

func (t *traced) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// end ends what there is of spans, once the call is over and nobody has it.
func (t *traced) end() {
	if t == nil {
		return
	}
	err := t.failure()
	t.unpark(err)
	t.entry.Fail(err)
	t.entry.End()
}

// errLeft is why a call has failed whose consumer did not wait.
var errLeft = errors.New("the consumer's connection ended before the answer")

// spanName gives the name of a method's spans. What is not in the manifest has one name, since consumers may make up as many as they like.
func (s *service) spanName(name, descriptor []byte) string {
	all := s.methods[string(name)]
	for i := range all {
		if string(descriptor) == all[i].descriptor {
			return all[i].span
		}
	}
	switch {
	case len(all) > 0:
		return all[0].span // Integer for int
	case string(name) == "$invoke" || string(name) == "$invokeAsync":
		return s.generic
	}
	return s.other
}
