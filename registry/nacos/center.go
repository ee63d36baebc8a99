package nacos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/common/nacos_server"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"

	"github.com/dubbofn/dubbofn/registry"
)

// center is an open Nacos: its naming service (instances) and its config service (metadata, mappings), a connection each.
type center struct {
	s      settings
	log    *slog.Logger
	agent  agent
	server *nacos_server.NacosServer
	naming *link
	config *link
	stop   context.CancelFunc
	brief  func() (context.Context, context.CancelFunc) // a context that lasts one request's timeout
	wake   chan struct{}                                // something is to be restored
	over   chan struct{}                                // closed when Close begins
	ended  chan struct{}                                // closed when Close is done

	mu      sync.Mutex
	closing bool // no new leases and watches
	closed  bool // no new requests
	wg      sync.WaitGroup
	leases  map[*lease]bool
	slots   map[string]*slot
	docs    bool // metadata and mappings are to be looked after
	subs    map[string]*subscription
	listens map[key]*listening
}

// newCenter connects both services at once.
func newCenter(ctx context.Context, s settings, http agent, log *slog.Logger) (*center, error) {
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	server, err := nacos_server.NewNacosServer(life, s.servers, s.client(), http, uint64(s.timeout.Milliseconds()), "", nil)
	if err != nil {
		stop()
		return nil, err
	}
	anonymous := s.client()
	anonymous.Username, anonymous.Password = "", ""
	dialed, err := nacos_server.NewNacosServer(life, s.dialed(), anonymous, http, uint64(s.timeout.Milliseconds()), "", nil)
	if err != nil {
		stop()
		return nil, err
	}
	c := &center{
		s: s, log: log, agent: http, server: server, stop: stop,
		wake: make(chan struct{}, 1), over: make(chan struct{}), ended: make(chan struct{}),
		brief: func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
		},
		leases: map[*lease]bool{}, slots: map[string]*slot{}, subs: map[string]*subscription{}, listens: map[key]*listening{},
	}
	var errNaming, errConfig error
	var both sync.WaitGroup
	both.Go(func() {
		c.naming, errNaming = newLink(ctx, s, server, dialed, constant.LABEL_MODULE_NAMING, pushed{newNotification, c.notified}, c.namingUp)
	})
	both.Go(func() {
		c.config, errConfig = newLink(ctx, s, server, dialed, constant.LABEL_MODULE_CONFIG, pushed{newChange, c.changed}, c.configUp)
	})
	both.Wait()
	if err := oneOf(errNaming, errConfig); err != nil {
		for _, l := range []*link{c.naming, c.config} {
			if l != nil {
				l.close()
			}
		}
		stop()
		return nil, err
	}
	c.wg.Go(func() { c.keep(life) })
	return c, nil
}

// oneOf gives the errors of the two connections, or one where both say the same.
func oneOf(a, b error) error {
	if a != nil && b != nil && a.Error() == b.Error() {
		return a
	}
	return errors.Join(a, b)
}

func newNotification() rpc_request.IRequest {
	return &rpc_request.NotifySubscriberRequest{NamingRequest: rpc_request.NewNamingRequest("", "", "")}
}

func newChange() rpc_request.IRequest { return rpc_request.NewConfigChangeNotifyRequest("", "", "") }

// begin counts a request that Close waits for; false when it is too late for one.
func (c *center) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.wg.Add(1)
	return true
}

// Register writes metadata and mappings, then instances.
func (c *center) Register(ctx context.Context, r registry.Registration) (registry.Lease, error) {
	stands, err := standsOf(r)
	if err != nil {
		return nil, err
	}
	if c.isClosing() {
		return nil, registry.ErrClosed
	}
	if err := c.documents(ctx, r); err != nil {
		return nil, fmt.Errorf("register %s: %w", r.Instance.App, err)
	}
	l := &lease{c: c, now: r}
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return nil, registry.ErrClosed
	}
	c.leases[l] = true
	changed := c.want(l, stands)
	c.mu.Unlock()
	if err := c.applyAll(ctx, changed); err != nil {
		undo, cancel := c.brief()
		defer cancel()
		return nil, errors.Join(err, l.End(undo))
	}
	return l, nil
}

// Close deregisters everything, for at most the timeout of a request, then waits for what is on its way and disconnects.
func (c *center) Close() error {
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		<-c.ended
		return nil
	}
	defer close(c.ended)
	c.closing = true
	close(c.over)
	for l := range c.leases {
		l.over = true
		c.want(l, nil)
	}
	clear(c.leases)
	var changed []*slot
	for _, s := range c.slots {
		if s.dirty {
			changed = append(changed, s)
		}
	}
	c.mu.Unlock()
	ctx, cancel := c.brief()
	defer cancel()
	err := c.applyAll(ctx, changed)
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.stop()
	c.wg.Wait()
	c.naming.close()
	c.config.close()
	c.agent.close()
	return err
}

func (c *center) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

// applyAll sends several slots, a few at a time.
func (c *center) applyAll(ctx context.Context, slots []*slot) error {
	return atOnce(slots, func(s *slot) error { return c.apply(ctx, s) })
}

// atOnce runs f for each of all, at most eight at a time, and joins the errors.
func atOnce[T any](all []T, f func(T) error) error {
	const workers = 8
	errs := make([]error, len(all))
	free := make(chan struct{}, workers)
	var wg sync.WaitGroup
	for i := range all {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			errs[i] = f(all[i])
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// documents writes metadata and definitions, waits until they can be read, then adds the application to the mappings.
func (c *center) documents(ctx context.Context, r registry.Registration) error {
	levels, app := r.EffectiveLevels(), r.Metadata.App
	if levels.Has(registry.AppMetadata) {
		doc, err := r.Metadata.MarshalJSON()
		if err != nil {
			return err
		}
		if err := c.ensure(ctx, metadataKey(app, r.Metadata.Revision()), string(doc)); err != nil {
			return err
		}
		err = atOnce(r.Metadata.Services, func(s registry.Service) error {
			def, ok := r.Definitions[s.Key()]
			if !ok {
				return nil
			}
			return c.ensure(ctx, definitionKey(s, app), string(def))
		})
		if err != nil {
			return err
		}
	}
	return atOnce(r.Metadata.Interfaces(), func(iface string) error {
		if levels.Has(registry.Mapping) {
			if err := c.join(ctx, iface, app); err != nil {
				return err
			}
		}
		if levels.Has(registry.LegacyMapping) {
			return c.exists(ctx, legacyKey(iface, app), app)
		}
		return nil
	})
}

// How often a quiet connection's registrations are looked after; each pause is up to a fifth shorter or longer. What a lost
// connection takes away is restored as soon as there is a new one, so this is for what goes wrong otherwise.
const (
	checkEvery     = 30 * time.Second
	documentsEvery = 4 // checks
)
