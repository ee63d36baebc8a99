package activator

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/internal/metadataservice"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
)

// port is where consumers reach apps: most share one, since a frame names no app.
type port struct {
	a        *Activator
	number   int    // as it is registered
	address  string // the same with the host
	listener net.Listener
	inside   *inside // connections of this process's own
	server   *dubbo.Server
	failed   chan<- error
	table    atomic.Pointer[table]

	stop   context.CancelFunc
	served sync.WaitGroup
}

func (a *Activator) newPort(number int, l net.Listener, failed chan<- error) (*port, error) {
	if a.cfg.ServerTLS != nil {
		var err error
		if l, err = a.cfg.ServerTLS.Listen(l); err != nil {
			return nil, err
		}
	}
	p := &port{a: a, number: number, address: net.JoinHostPort(a.cfg.Host, strconv.Itoa(number)), listener: l, inside: newInside(), failed: failed}
	p.table.Store(newTable())
	p.server = dubbo.NewRelay(p, a.cfg.Server)
	return p, nil
}

func (p *port) serve(base context.Context) {
	ctx, stop := context.WithCancel(base)
	p.stop = stop
	p.served.Go(func() {
		if err := p.server.Serve(ctx, p.listener); err != nil {
			p.failed <- fmt.Errorf("activator: port %d: %w", p.number, err)
		}
	})
	p.served.Go(func() { _ = p.server.Serve(ctx, p.inside) }) // it fails only with the other
}

// drain lets consumers turn away and calls end, and closes.
func (p *port) drain(ctx context.Context) {
	if p.stop == nil { // it was never served
		_ = p.listener.Close()
		return
	}
	if err := p.server.Drain(ctx); err != nil {
		p.a.log.Warn("activator: calls were cut off", "port", p.number, "error", err)
	}
	cut := time.AfterFunc(flushTimeout, p.stop)
	p.served.Wait()
	cut.Stop()
	p.stop()
}

// Relay implements [dubbo.Relay].
func (p *port) Relay(f *dubbo.Frame) {
	t := p.table.Load()
	r, ok := t.find(f.Path(), f.Version(), f.Group())
	switch {
	case ok && string(f.Method()) == "$echo":
		f.Echo()
	case ok:
		c := newCall(f, r.to, r.service.timeoutOf(f.Method(), f.Descriptor()))
		c.again = r.service.idempotent(f.Method(), f.Descriptor())
		c.trace = p.trace(f, r)
		f.Data = c
		r.to.take(c)
	case string(f.Path()) == metadataservice.Interface:
		p.metadata(f, t)
	default:
		p.a.metrics.unknown.Inc()
		why := t.missing(f.Path(), f.Version(), f.Group())
		if f.OneWay() {
			p.a.log.Warn("activator: a one-way call was refused", "consumer", f.Caller(), "reason", why)
		}
		f.Refuse(invoker.CodeNotFound, why)
	}
}

// Left implements [dubbo.Relay].
func (p *port) Left(f *dubbo.Frame) {
	if c, ok := f.Data.(*call); ok {
		c.to.left(c)
	}
}

// metadata answers for the app that the group names (Java: MetadataService is exported in the application's group, 3.3).
func (p *port) metadata(f *dubbo.Frame, t *table) {
	s := t.apps[string(f.Group())]
	if s == nil && len(f.Group()) == 0 && len(t.apps) == 1 {
		for _, only := range t.apps {
			s = only
		}
	}
	if s == nil {
		f.Refuse(invoker.CodeNotFound, "no application "+strconv.Quote(string(f.Group()[:min(len(f.Group()), 200)]))+" is served on this port")
		return
	}
	p.a.workers.wg.Go(func() {
		own, err := s.now.Load().own()
		if err != nil {
			f.Refuse(invoker.CodeInternal, err.Error())
			return
		}
		f.Serve(p.a.base, own)
	})
}
