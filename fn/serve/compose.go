package serve

import (
	"cmp"
	"context"
	"errors"
	"net"
	"strconv"
	"sync"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

// compose makes what calls go through: tracing, counting, signatures, the services with their own filters. The tracer is opened meanwhile.
func (f *function) compose() error {
	c, a := f.config, f.parts
	var opened func() error
	f.traces, opened = openTraces(c, a, f.instance, f.ledger, f.log)
	f.monitor.begin(a.monitor, f)
	var untrusted, faulty error
	f.trust, untrusted = newTrust(c, f.log)
	f.set, faulty = fn.NewSet(c.App, f.behind(a.services)...)
	if faulty == nil {
		faulty = checkEvents(c, a, f.set.Events())
	}
	if err := errors.Join(untrusted, faulty, checkURLs(c, a.adapters), checkWarm(c, a), opened()); err != nil {
		return err
	}
	f.set.Logger(f.log)
	f.traces.handTo(a.outbound)
	return nil
}

// behind gives the services behind the filters that the process adds to theirs.
func (f *function) behind(all []*fn.Service) []*fn.Service {
	var filters []invoker.Filter
	if f.traces != nil {
		filters = append(filters, tracing.Provider(f.traces, sync.OnceValue(f.at)))
	}
	if f.monitor.calls != nil {
		filters = append(filters, f.monitor.calls)
	}
	if r, ok := f.parts.receiver.(interface{ Filter() invoker.Filter }); ok {
		filters = append(filters, r.Filter())
	}
	if f.trust.verify != nil {
		filters = append(filters, unlessWithin(f.trust.verify))
	}
	if len(filters) == 0 {
		return all
	}
	with := make([]*fn.Service, len(all))
	for i, s := range all {
		if s != nil {
			with[i] = s.With(fn.Use(filters...))
		}
	}
	return with
}

// at is where the function is called: what is registered, else the HTTP port of this instance. The listeners are open by the first call.
func (f *function) at() string {
	host, err := advertised(f.config)
	if f.dubbo == nil || err != nil {
		return net.JoinHostPort(f.instance, strconv.Itoa(portOf(f.http.Addr())))
	}
	return net.JoinHostPort(host, strconv.Itoa(cmp.Or(f.config.AdvertisedPort, portOf(f.dubbo.Addr()))))
}

// unlessWithin has a filter around the calls that come from elsewhere: this process need not prove to itself who it is.
func unlessWithin(filter invoker.Filter) invoker.Filter {
	return func(next invoker.Invoker) invoker.Invoker {
		checked := filter(next)
		return invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
			if ctx.Value(within{}) != nil {
				return next.Invoke(ctx, inv)
			}
			return checked.Invoke(ctx, inv)
		})
	}
}
