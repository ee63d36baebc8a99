package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/internal/javatype"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
	"github.com/dubbofn/dubbofn/invoker/cluster/directory"
	"github.com/dubbofn/dubbofn/invoker/cluster/rule"
	"github.com/dubbofn/dubbofn/invoker/protect"
	"github.com/dubbofn/dubbofn/registry"
)

// Service is a reference to a Dubbo service. It is an [invoker.Invoker]. Safe for concurrent use.
type Service struct {
	client      *Client
	own         bool // the client is this reference's
	ref         *reference
	chain       invoker.Invoker
	clusters    []*cluster.Cluster
	directories []cluster.Directory
	awaited     []cluster.Directory // those whose first answer a reference waits for: of registries that are there
	rules       *rule.Watch         // nil where there is no config centre
	rulesLate   bool                // it comes later
	protection  *protect.Protection
	providers   *protect.Providers
	connected   chan struct{} // closed once it is connected, or fault says why not
	fault       error
	stop        context.CancelFunc // of what connects in the background
	prepared    sync.Map           // reflect.Type of an argument or result: its registration's error, or nil
	pkg         string

	mu   sync.Mutex
	apps [][]string // that offer the service, by each registry
}

// Reference refers to a service by its Java interface. It uses the client that ctx carries (see [NewContext]), else makes one from
// the environment, which is closed with the reference.
//
// It waits until the registries have answered, whatever they say, or ctx ends: a service without a provider is no fault yet, since
// providers may come. Of several registries those that can't be reached join later; one that refuses is a fault.
func Reference(ctx context.Context, iface string, options ...Option) (*Service, error) {
	if c, ok := ctx.Value(contextKey{}).(*Client); ok {
		return c.Reference(ctx, iface, options...)
	}
	cfg, err := FromEnvironment()
	if err != nil {
		return nil, err
	}
	r := newReference(iface, options)
	c, err := New(cfg, r.adapters...)
	if err != nil {
		return nil, err
	}
	s, err := c.refer(ctx, r)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	s.own = true
	return s, nil
}

// Reference refers to a service by its Java interface, as the function [Reference] does.
func (c *Client) Reference(ctx context.Context, iface string, options ...Option) (*Service, error) {
	return c.refer(ctx, newReference(iface, options))
}

func newReference(iface string, options []Option) *reference {
	r := &reference{key: invoker.ServiceKey{Interface: iface}, methods: map[string]*method{}}
	if !javatype.IsClassName(iface) {
		r.fault("service %q: want the name of a Java interface like org.example.UserService", iface)
	}
	for _, o := range options {
		o(r)
	}
	return r
}

func (c *Client) refer(ctx context.Context, r *reference) (*Service, error) {
	s := &Service{client: c, ref: r, pkg: javatype.PackageOf(r.key.Interface), connected: make(chan struct{}), stop: func() {}}
	err := errors.Join(errors.Join(r.faults...), s.nameClasses())
	if err == nil && r.background {
		return c.referLater(ctx, s)
	}
	if err == nil {
		err = s.connect(ctx)
	}
	close(s.connected)
	if err != nil {
		return nil, fmt.Errorf("refer to %s: %w", r.key, errors.Join(err, s.end()))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errors.Join(errClosed, s.end())
	}
	c.references[s] = struct{}{}
	return s, nil
}

// connect makes the directories, the clusters over them, and the chain before those.
func (s *Service) connect(ctx context.Context) error {
	r, c := s.ref, s.client
	begun := time.Now()
	dc := directory.Config{
		Service: r.key, ProvidedBy: r.providedBy, Migration: directory.Migration(c.cfg.Migration), EmptyGrace: c.cfg.EmptyGrace,
		Lazy: c.cfg.Lazy, Pool: c.pool, Cache: &c.cache, Local: c.localMetadata, Log: c.log, Rules: rulesOf(rule.None()),
		Connection: c.trust.connection,
	}
	cc := r.cluster
	cc.Service, cc.Log, cc.Methods = r.key, c.log, map[string]cluster.MethodConfig{}
	cc.Timeout, cc.TryTimeout = cmp.Or(cc.Timeout, c.cfg.Timeout), cmp.Or(cc.TryTimeout, c.cfg.TryTimeout)
	cc.Cluster, cc.LoadBalance = cmp.Or(cc.Cluster, c.cfg.Cluster), cmp.Or(cc.LoadBalance, c.cfg.LoadBalance)
	if cc.Retries == nil {
		cc.Retries = c.cfg.Retries
	}
	cc.Countdown, cc.Trace = c.cfg.Countdown, c.trace
	for name, m := range r.methods {
		cc.Methods[name] = m.MethodConfig
	}
	if err := s.guard(&cc); err != nil {
		return err
	}
	last, err := s.choice(ctx, dc, cc)
	if err != nil {
		return err
	}
	filters := slices.Concat(r.filters, []invoker.Filter{s.protection.Filter, s.context})
	if c.trust.sign != nil {
		filters = append(filters, c.trust.sign)
	}
	s.chain = invoker.Chain(last, filters...)
	if err := s.govern(ctx); err != nil {
		return err
	}
	for _, d := range s.awaited {
		if err := d.Ready(ctx); err != nil {
			return err
		}
	}
	err = s.governed(ctx)
	c.kept.marks.add(cold.PhaseRegistry, begun)
	return err
}

// governed waits until the rules that there are hold, those of the providers' applications among them, for a while.
func (s *Service) governed(ctx context.Context) error {
	if s.rules == nil {
		return nil
	}
	patience := rulesPatience
	if s.rulesLate {
		patience = 0
	}
	brief, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.rules.Ready(brief); err != nil {
		s.client.log.Warn("client: the config center has not answered; calls begin without its rules", "service", s.ref.key, "error", err)
	}
	for _, d := range s.directories {
		if d, ok := d.(interface {
			Settle(ctx context.Context) error
		}); ok {
			if err := d.Settle(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// govern follows the rules in the config centre, where there is one.
func (s *Service) govern(ctx context.Context) error {
	c := s.client
	if len(s.ref.urls) > 0 && c.cfg.config == nil {
		return nil
	}
	u := c.cfg.registries[0]
	if c.cfg.config != nil {
		u = *c.cfg.config
	}
	r, err := c.center(ctx, u, s.ref.background)
	if err != nil {
		return fmt.Errorf("config center: %w", err)
	}
	_, s.rulesLate = r.(*late)
	center, ok := r.(registry.RuleWatcher)
	if !ok {
		return nil
	}
	me := rule.Consumer{Application: c.cfg.App, Host: host(), Service: s.ref.key}
	w := rule.NewWatch(ctx, center, me, c.log, func(set rule.Set) {
		for _, d := range s.directories {
			if d, ok := d.(interface{ SetRules(directory.Rules) }); ok {
				d.SetRules(rulesOf(set))
			}
		}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = w
	s.follow()
	return nil
}

// rulesPatience is how long a reference waits for the rules.
const rulesPatience = 3 * time.Second

// offered is told the applications that offer the service by one of the registries.
func (s *Service) offered(registry int, apps []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps[registry] = apps
	if s.rules != nil {
		s.follow()
	}
}

// follow is called with the lock held; it follows the rules of the applications that offer the service, and of no others.
func (s *Service) follow() { s.rules.SetApps(slices.Concat(s.apps...)) }

func rulesOf(set rule.Set) directory.Rules {
	return directory.Rules{Routers: set.Routers, Override: set.Override, Migration: directory.Migration(set.Migration)}
}

// host is this machine's address, as rules for certain consumers name it.
func host() string {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return "127.0.0.1"
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			return n.IP.String()
		}
	}
	return "127.0.0.1"
}

// choice makes what chooses a provider: among those of one list, or of several registries.
func (s *Service) choice(ctx context.Context, dc directory.Config, cc cluster.Config) (invoker.Invoker, error) {
	add := func(d cluster.Directory, err error) (*cluster.Cluster, error) {
		if err != nil {
			return nil, err
		}
		s.directories = append(s.directories, d)
		cl, err := cluster.New(d, cc)
		if err != nil {
			return nil, err
		}
		s.clusters = append(s.clusters, cl)
		return cl, nil
	}
	if len(s.ref.urls) > 0 {
		d, err := directory.NewStatic(s.ref.urls, dc)
		return add(d, err)
	}
	sources, err := s.client.sources(ctx, s.ref.background)
	if err != nil {
		return nil, err
	}
	var zones []cluster.Zone
	s.apps = make([][]string, len(sources))
	for i, src := range sources {
		dc.OnApps = func(apps []string) { s.offered(i, apps) }
		d, err := directory.New(ctx, src, dc)
		cl, err := add(d, err)
		if err != nil {
			return nil, err
		}
		if _, coming := src.Registry.(*late); !coming {
			s.awaited = append(s.awaited, d)
		}
		if len(sources) == 1 {
			return cl, nil
		}
		z, err := zone(s.client.cfg.registries[i], cl)
		if err != nil {
			return nil, err
		}
		zones = append(zones, z)
	}
	return cluster.NewZoneAware(zones...)
}

// context is the filter that adds what goes with every call: the consumer's name, its token and tag, and what passes on from the
// call that a function runs for.
func (s *Service) context(next invoker.Invoker) invoker.Invoker {
	var app any = s.client.cfg.App // once, not for each call
	return invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
		a := &inv.Attachments
		if running := invoker.FromContext(ctx); running != nil {
			for key, v := range running.Attachments.All() { // under its own name: Seata looks for TX_XID and for tx_xid
				if s.client.passes(key) {
					add(a, key, v)
				}
			}
		}
		if app != "" {
			add(a, "remote.application", app)
		}
		if s.ref.token != "" {
			add(a, "token", s.ref.token)
		}
		if tag := s.client.cfg.Tag; tag != "" {
			add(a, "dubbo.tag", tag)
		}
		return next.Invoke(ctx, inv)
	})
}

// passes tells whether an attachment goes on with a function's own calls. Case does not count, as HTTP has it.
func (c *Client) passes(key string) bool {
	return c.passOn[strings.ToLower(key)]
}

// add sets an attachment that the call has not set itself.
func add(a *invoker.Attachments, key string, value any) {
	if _, ok := a.Value(key); !ok {
		a.Set(key, value)
	}
}

// Call calls a method and waits for its result, which is decoded into what into points to; nil leaves the result alone.
// With a nil argument whose Java type isn't java.lang.Object, [Method] must declare the types.
func (s *Service) Call(ctx context.Context, method string, into any, args ...any) error {
	inv := invoker.Invocation{Method: method, Args: args, Into: into}
	_, err := s.Invoke(ctx, &inv)
	return err
}

// OneWay calls a method and waits for no answer: it returns once the call is queued to be sent.
func (s *Service) OneWay(ctx context.Context, method string, args ...any) error {
	inv := invoker.Invocation{Method: method, Args: args, OneWay: true}
	_, err := s.Invoke(ctx, &inv)
	return err
}

// Generic calls a method without types at hand (Java: GenericService.$invoke). types are the Java names of its parameters, "int" or
// "org.example.User"; nil leaves them to the provider, where the method isn't overloaded. Arguments and result have dynamic forms:
// an object is a map[string]any with its class under "class", as package java describes.
func (s *Service) Generic(ctx context.Context, method string, types []string, args ...any) (any, error) {
	if args == nil {
		args = []any{}
	}
	inv := invoker.Invocation{Method: "$invoke", Descriptor: genericDescriptor, Args: []any{method, types, args}}
	inv.Attachments.Set("generic", "true")
	res, err := s.Invoke(ctx, &inv)
	return res.Value, err
}

const genericDescriptor = "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;"

// Invoke implements [invoker.Invoker]. An empty Service means this one; an empty Descriptor what [Method] declares, else what the
// arguments' Go types say.
func (s *Service) Invoke(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
	if inv.Service.Interface == "" {
		inv.Service = s.ref.key
	}
	if err := s.prepare(inv); err != nil {
		return invoker.Result{}, invoker.Errorf(invoker.CodeClient, "call "+inv.Service.String()+"."+inv.Method, "%w", err)
	}
	if err := s.wait(ctx); err != nil {
		code := invoker.CodeUnavailable
		if ctx.Err() != nil {
			code = invoker.CodeTimeout
		}
		return invoker.Result{}, invoker.Errorf(code, "call "+inv.Service.String()+"."+inv.Method, "%w", err)
	}
	res, err := s.chain.Invoke(ctx, inv)
	if err != nil {
		err = s.thrown(err)
	}
	return res, err
}

// prepare sees to it that every Go type of the call has a Java one.
func (s *Service) prepare(inv *invoker.Invocation) error {
	if m := s.ref.methods[inv.Method]; m != nil && m.declared && inv.Descriptor == "" {
		each, _ := javatype.Parameters(m.descriptor)
		if len(each) != len(inv.Args) {
			return fmt.Errorf("%d arguments, and %d parameters were declared for the method", len(inv.Args), len(each))
		}
		inv.Descriptor = m.descriptor
	}
	if inv.Method == "$echo" && inv.Descriptor == "" {
		inv.Descriptor = "Ljava/lang/Object;"
	}
	for i, a := range inv.Args {
		if a == nil {
			continue
		}
		if err := s.known(reflect.TypeOf(a)); err != nil {
			return fmt.Errorf("argument %d of %d: %w", i+1, len(inv.Args), err)
		}
	}
	if inv.Into != nil {
		rt := reflect.TypeOf(inv.Into)
		if rt.Kind() != reflect.Pointer || reflect.ValueOf(inv.Into).IsNil() {
			return fmt.Errorf("%T for the result: want a pointer to what it is to be decoded into", inv.Into)
		}
		if err := s.known(rt.Elem()); err != nil {
			return fmt.Errorf("result: %w", err)
		}
	}
	return nil
}

// known registers a Go type, once.
func (s *Service) known(rt reflect.Type) error {
	if v, ok := s.prepared.Load(rt); ok {
		err, _ := v.(error)
		return err
	}
	_, err := s.client.types.Register(rt, s.pkg)
	s.prepared.Store(rt, err)
	return err
}

// Stats is what a reference has done, and is doing, for each registry (or the list of addresses).
type Stats struct {
	Cluster   cluster.Stats
	Directory directory.Stats // zero for a list of addresses
}

// Stats gives the counters.
func (s *Service) Stats() []Stats {
	if !s.isConnected() {
		return nil
	}
	var all []Stats
	for i, c := range s.clusters {
		st := Stats{Cluster: c.Stats()}
		if d, ok := s.directories[i].(*directory.Directory); ok {
			st.Directory = d.Stats()
		}
		all = append(all, st)
	}
	return all
}

// Providers gives the providers that are known now, of all registries.
func (s *Service) Providers() []*cluster.Provider {
	if !s.isConnected() {
		return nil
	}
	var all []*cluster.Provider
	for _, d := range s.directories {
		all = append(all, d.Snapshot().Providers...)
	}
	return all
}

// Close ends the reference, and the client where that is its own. Calling it again does nothing.
func (s *Service) Close() error {
	if s.own {
		return s.client.Close()
	}
	s.client.mu.Lock()
	_, open := s.client.references[s]
	delete(s.client.references, s)
	s.client.mu.Unlock()
	if !open {
		return nil
	}
	return s.end()
}

func (s *Service) end() error {
	s.stop()
	<-s.connected
	var errs []error
	if s.rules != nil {
		errs = append(errs, s.rules.Close())
	}
	for _, c := range s.clusters {
		errs = append(errs, c.Close())
	}
	for _, d := range s.directories {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}
