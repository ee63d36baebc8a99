package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/registry"
	"github.com/dubbofn/dubbofn/tracing"
)

// Part is what a function is made of: a *[fn.Service], a [registry.Adapter] such as nacos.Registry, a [Transport] such as
// getty.TCP, a [dubbo.Codec] such as hessian2lib.Codec{}, a [tracing.Backend] such as skywalking.Tracer, an [event.Receiver] such as
// cloudevent.Events(), a [Monitor] such as metrics.Prometheus, an [Outbound] such as a *client.Client, or a [Hook]. Anything else is refused at start, by its name.
type Part interface {
	Name() string
}

// Transport listens for Dubbo in another way than the standard library's TCP.
type Transport interface {
	Name() string
	// Listen opens address ("host:port"); closing the listener ends everything that it started.
	Listen(address string) (net.Listener, error)
}

// An [event.Receiver] that also has the method Filter() invoker.Filter has it around every method, within the spans: so it can give to the context what
// functions send events with.

// Outbound is a part that calls other services. One that also has the method Trace(tracing.Tracer) is handed the function's tracer, where there is one; with
// Invoker(context.Context, invoker.ServiceKey) (invoker.Invoker, error), it makes the calls that events cause elsewhere. For all of them: what it knows outlives the process in a [cold.Snapshot], and what it connects to
// may be warm before the first call comes. Its methods may run at the same time as calls, and as each other.
type Outbound interface {
	Name() string
	// Restore is called once, as soon as it is known what an earlier process of the application left: the sections that Save gave then,
	// or nil. It must not wait for anything; what it can't use it passes over, with a log line. The ledger takes the part's
	// marks: [cold.PhaseKeeper] for what it takes over, [cold.PhaseRegistry] for what it asks.
	Restore(sections map[string][]byte, ledger *cold.Ledger)
	// Warm returns nil once a call to target need not wait for the network: an application, an interface, or "host:port", as DUBBOFN_WARM
	// has it or Save gave it. It may be called before Restore. What it begins may go on when ctx has ended.
	Warm(ctx context.Context, target string) error
	// Save gives what the next process should know: sections (named in 1 to 32 bytes), and the targets that this one used.
	Save() (sections map[string][]byte, used []string)
}

// Hook runs once the function is ready: the listeners are open and the registration is visible.
type Hook func(ctx context.Context, at Addresses)

// Name gives "hook".
func (Hook) Name() string { return "hook" }

// Addresses are what a running function listens on.
type Addresses struct {
	Dubbo   net.Addr // nil where the Dubbo port is not opened (on Knative)
	HTTP    net.Addr
	Metrics net.Addr // where scrapes are answered; nil without a [Monitor]
}

// assembly is the parts by their kind.
type assembly struct {
	services  []*fn.Service
	adapters  map[string]registry.Adapter
	transport Transport   // nil: the standard library's TCP
	codec     dubbo.Codec // nil: the project's own
	backends  map[string]tracing.Backend
	receiver  event.Receiver // nil: no events are taken
	monitor   Monitor        // nil: nothing is counted
	outbound  []Outbound
	hooks     []Hook
}

func assemble(parts []Part) (*assembly, error) {
	a := &assembly{adapters: map[string]registry.Adapter{"embedded": registry.Embedded}, backends: map[string]tracing.Backend{}}
	var faults []error
	for i, p := range parts {
		switch p := p.(type) {
		case nil:
			faults = append(faults, fmt.Errorf("part %d is nil", i+1))
		case *fn.Service:
			a.services = append(a.services, p)
		case registry.Adapter:
			a.adapters[p.Name()] = p
		case Transport:
			if a.transport != nil {
				faults = append(faults, fmt.Errorf("two transports: %s and %s; a function listens on one", a.transport.Name(), p.Name()))
			}
			a.transport = p
		case dubbo.Codec:
			if a.codec != nil {
				faults = append(faults, fmt.Errorf("two codecs: %T and %T; a function has one", a.codec, p))
			}
			a.codec = p
		case tracing.Backend:
			a.backends[p.Name()] = p
		case event.Receiver:
			if a.receiver != nil {
				faults = append(faults, fmt.Errorf("two parts that take events: %s and %s; a function has one, with every source", a.receiver.Name(), p.Name()))
			}
			a.receiver = p
		case Monitor:
			if a.monitor != nil {
				faults = append(faults, fmt.Errorf("two parts that count: %s and %s; a function has one", a.monitor.Name(), p.Name()))
			}
			a.monitor = p
		case Outbound:
			a.outbound = append(a.outbound, p)
		case Hook:
			a.hooks = append(a.hooks, p)
		default:
			faults = append(faults, fmt.Errorf("part %q (%T) is not a *fn.Service, registry.Adapter, serve.Transport, dubbo.Codec, tracing.Backend, event.Receiver, serve.Monitor, serve.Outbound or serve.Hook", p.Name(), p))
		}
	}
	if len(a.services) == 0 {
		faults = append(faults, errors.New("no service: give one, e.g. fn.NewService(\"org.example.GreetService\", fn.Method(\"greet\", Greet))"))
	}
	return a, errors.Join(faults...)
}

// sectionOf names the sections of an Outbound part in the snapshot: by the part, numbered where two have one name.
func (a *assembly) sectionOf(i int) string {
	name := a.outbound[i].Name()
	n := 1
	for _, p := range a.outbound[:i] {
		if p.Name() == name {
			n++
		}
	}
	if n > 1 {
		name += "." + strconv.Itoa(n)
	}
	return name
}
