package cloudevent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/internal/deliver"
	"github.com/dubbofn/dubbofn/internal/environ"
	"github.com/dubbofn/dubbofn/invoker"
)

// Adapter is what [Events] takes: a [SourceAdapter], a [SinkAdapter] or a [SeenAdapter]. Anything else is refused at start.
type Adapter interface {
	// Name is the scheme of its URLs.
	Name() string
}

// SourceAdapter takes events from brokers of one kind: nats.Source, kafka.Source.
type SourceAdapter interface {
	Name() string
	// OpenSource refuses what u says wrong, with every fault at once, and begins. A broker that is away is waited for meanwhile.
	OpenSource(ctx context.Context, u invoker.URL, c SourceConfig) (Source, error)
}

// SourceConfig is what a source is told of its process.
type SourceConfig struct {
	App    string // the application, by which brokers name their clients
	Log    *slog.Logger
	Handle deliver.Handler // what becomes of each event
}

// Source is a broker that events are taken from.
type Source interface {
	// Drain takes no more, and returns when what was taken is answered for, or with ctx's error. It ends everything that the source started.
	Drain(ctx context.Context) error
}

// Receiver is the part of a program that takes events. It is made by [Events].
type Receiver struct {
	adapters []Adapter
	sender   atomic.Pointer[sender] // nil until it is open
}

// Events makes the part of a program that takes and sends events: over HTTP, and by what adapters are given.
func Events(adapters ...Adapter) *Receiver { return &Receiver{adapters: adapters} }

// Filter lets methods [Emit] events, whoever calls them (fn/serve has it around every method).
func (r *Receiver) Filter() invoker.Filter {
	return func(next invoker.Invoker) invoker.Invoker {
		return invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
			if s := r.sender.Load(); s != nil && s.sink != nil && ctx.Value(senderKey{}) != s {
				ctx = s.within(ctx)
			}
			return next.Invoke(ctx, inv)
		})
	}
}

// Name gives "cloudevent".
func (*Receiver) Name() string { return "cloudevent" }

var _ event.Receiver = (*Receiver)(nil)

// Open reads the environment, checks rules against methods, and begins.
func (r *Receiver) Open(ctx context.Context, h event.Host) (event.Running, error) {
	cfg, faults := fromEnvironment()
	return r.open(ctx, h, cfg, faults)
}

func (r *Receiver) open(ctx context.Context, h event.Host, cfg Config, faults []error) (*events, error) {
	if h.Log == nil {
		h.Log = slog.New(slog.DiscardHandler)
	}
	found, more := r.sort()
	faults = append(faults, more...)
	rules, err := readRules(cfg.Rules)
	if err != nil {
		faults = append(faults, err)
	}
	compiled, more := compile(append(rules, h.Rules...), h)
	faults = append(faults, more...)
	if len(faults) > 0 { // before anything is opened
		return nil, errors.Join(faults...)
	}
	e := &events{host: h, cfg: cfg, rules: compiled, room: make(chan struct{}, maxAtOnce), types: typesOf(compiled)}
	e.bytes.most = cfg.MaxBytes
	if err := e.connect(ctx, found); err != nil {
		return nil, errors.Join(err, e.Drain(ctx), e.Close(ctx))
	}
	r.sender.Store(e.sender)
	return e, nil
}

// adapters by what they are.
type adapters struct {
	sources []SourceAdapter
	sinks   []SinkAdapter
	seen    []SeenAdapter
}

func (r *Receiver) sort() (a adapters, faults []error) {
	for i, x := range r.adapters {
		known := false
		if s, ok := x.(SourceAdapter); ok {
			a.sources, known = append(a.sources, s), true
		}
		if s, ok := x.(SinkAdapter); ok {
			a.sinks, known = append(a.sinks, s), true
		}
		if s, ok := x.(SeenAdapter); ok {
			a.seen, known = append(a.seen, s), true
		}
		if !known {
			faults = append(faults, fmt.Errorf("cloudevent.Events: adapter %d (%T) is none: want nats.Source, kafka.Sink, redis.Seen …", i+1, x))
		}
	}
	return a, faults
}

// connect opens what the settings name: what is known of events first, and what brings them last.
func (e *events) connect(ctx context.Context, a adapters) (err error) {
	var faults []error
	note := func(setting string, err error) {
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", setting, err))
		}
	}
	e.seen, err = openSeen(ctx, e.cfg, e.host, a.seen)
	note("DUBBOFN_EVENTS_SEEN", err)
	c := SinkConfig{App: e.host.App, Structured: e.cfg.Mode == "structured", Log: e.host.Log}
	e.sender = &sender{source: "/" + e.host.App, overrides: e.cfg.overrides, tracer: e.host.Tracer}
	if e.cfg.Sink != "" {
		e.sender.sink, err = openSink(ctx, e.cfg.Sink, c, a.sinks)
		note("DUBBOFN_EVENTS_SINK", err)
	}
	if e.cfg.Dead != "" {
		e.dead, err = openSink(ctx, e.cfg.Dead, c, a.sinks)
		note("DUBBOFN_EVENTS_DEAD", err)
	}
	if len(faults) == 0 {
		for _, s := range environ.SplitURLs(strings.Split(e.cfg.From, ",")) {
			note("DUBBOFN_EVENTS_FROM", e.openSource(ctx, s, a.sources))
		}
		if len(e.sources) > 0 && e.sender.sink == nil && slices.ContainsFunc(e.rules, func(r *rule) bool { return r.Reply != nil }) {
			e.host.Log.Warn("replies to events from brokers go nowhere: set DUBBOFN_EVENTS_SINK")
		}
	}
	return errors.Join(faults...)
}

func (e *events) openSource(ctx context.Context, setting string, all []SourceAdapter) error {
	u, err := invoker.ParseURL(setting)
	if err != nil {
		return err
	}
	var names []string
	for _, a := range all {
		if a.Name() == u.Protocol {
			s, err := a.OpenSource(ctx, u, SourceConfig{App: e.host.App, Log: e.host.Log, Handle: e.deliver})
			if err == nil {
				e.sources = append(e.sources, s)
			}
			return err
		}
		names = append(names, a.Name())
	}
	if len(names) == 0 {
		return fmt.Errorf("%s: this program takes events over HTTP only; hand over cloudevent.Events(%s.Source)", u, u.Protocol)
	}
	return fmt.Errorf("%s: this program takes events from %s; hand over cloudevent.Events(%s.Source)", u, strings.Join(names, ", "), u.Protocol)
}
