package nacos

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
	"github.com/nacos-group/nacos-sdk-go/v2/common/security"
	"github.com/nacos-group/nacos-sdk-go/v2/model"

	"github.com/dubbofn/dubbofn/registry"
)

// state is a value that several watches follow.
type state[T any] struct {
	mu      sync.Mutex
	value   []T
	changed chan struct{} // closed and replaced when the value is
}

func newState[T any]() *state[T] { return &state[T]{changed: make(chan struct{})} }

func (s *state[T]) set(v []T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value = v
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *state[T]) get() ([]T, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value, s.changed
}

// follow calls each with the present value and every different one until ctx ends or over is closed.
func (s *state[T]) follow(ctx context.Context, over <-chan struct{}, each func([]T)) error {
	var last []T
	for first := true; ; first = false {
		now, changed := s.get()
		if first || len(now)+len(last) > 0 && !reflect.DeepEqual(now, last) {
			last = now
			each(slices.Clone(now))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-over:
			return registry.ErrClosed
		case <-changed:
		}
	}
}

// turn lets one request run at a time; it holds one meanwhile.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// take waits until it is one's turn, or until ctx ends.
func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) leave() { <-t }

// subscription is what watches of one name share. It stays when the last watch leaves: there are only so many names.
type subscription struct {
	name  registry.Name
	state *state[registry.Instance]
	turn  turn

	refs  int  // this and the following are guarded by the center's mutex
	dirty bool // to be asked again, whatever is known
	at    uint64
}

// listening is what watches of one config share.
type listening struct {
	key   key
	state *state[string]
	turn  turn
	load  func(ctx context.Context, content string) ([]string, error) // what watches are told where the config has that content

	refs  int
	dirty bool
}

// WatchInstances subscribes to a name.
func (c *center) WatchInstances(ctx context.Context, n registry.Name, each func([]registry.Instance)) error {
	if n.Pattern() {
		return c.watchPattern(ctx, n, each)
	}
	name := n.String()
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return registry.ErrClosed
	}
	s := c.subs[name]
	if s == nil {
		s = &subscription{name: n, state: newState[registry.Instance](), turn: newTurn()}
		c.subs[name] = s
	}
	s.refs++
	c.wg.Add(1)
	c.mu.Unlock()
	defer c.wg.Done()
	defer c.unsubscribe(s)
	if err := c.refreshInstances(ctx, s); err != nil {
		return err
	}
	return s.state.follow(ctx, c.over, each)
}

// refreshInstances subscribes, or does so again, and takes the state that comes with the answer.
func (c *center) refreshInstances(ctx context.Context, s *subscription) error {
	if err := s.turn.take(ctx); err != nil {
		return fmt.Errorf("watch instances of %s: %w", s.name, err)
	}
	defer s.turn.leave()
	c.mu.Lock()
	if s.dirty {
		s.at = 0 // another server, or the same one after a restart, may count from elsewhere
	}
	s.dirty = false
	gone := s.refs == 0
	c.mu.Unlock()
	if gone {
		return nil
	}
	service, err := c.subscribe(ctx, s.name.String(), true)
	if err != nil {
		c.mu.Lock()
		s.dirty = true
		c.mu.Unlock()
		return err
	}
	c.take(s, service)
	return nil
}

// take sets a state unless it is older than what is known.
func (c *center) take(s *subscription, service model.Service) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if service.LastRefTime < s.at {
		return
	}
	s.at = service.LastRefTime
	s.state.set(usable(s.name, service))
}

// unsubscribe leaves; when nobody is left the server is told, which nobody waits for but Close: a push that nobody wants hurts nobody.
func (c *center) unsubscribe(s *subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.refs--; s.refs > 0 || c.closing {
		return
	}
	c.wg.Go(func() {
		limit, cancel := c.brief()
		defer cancel()
		if s.turn.take(limit) != nil {
			return
		}
		defer s.turn.leave()
		c.mu.Lock()
		left := s.refs == 0
		c.mu.Unlock()
		if !left {
			return
		}
		if _, err := c.subscribe(limit, s.name.String(), false); err != nil {
			c.log.Debug("nacos: a subscription could not be ended", "name", s.name.String(), "error", err)
		}
	})
}

// notified takes what the naming service pushes.
func (c *center) notified(r rpc_request.IRequest) {
	n, ok := r.(*rpc_request.NotifySubscriberRequest)
	if !ok {
		return
	}
	name := n.ServiceInfo.Name
	if _, after, ok := strings.Cut(name, constant.SERVICE_INFO_SPLITER); ok {
		name = after
	}
	c.mu.Lock()
	s := c.subs[name]
	c.mu.Unlock()
	if s != nil {
		c.take(s, n.ServiceInfo)
	}
}

// WatchApps listens to an interface's mapping. Applications that only Dubbo 2.7's mapping names are looked for every 30 s.
func (c *center) WatchApps(ctx context.Context, iface string, each func([]string)) error {
	return c.listenTo(ctx, mappingKey(iface), each, func(ctx context.Context, _ string) ([]string, error) {
		return c.Apps(ctx, iface) // after the listener is there, so that nothing falls between
	})
}

// maxRuleBytes bounds a rule's document.
const maxRuleBytes = 1 << 20

var errTooLarge = errors.New("it is too large")

// WatchRule listens to a rule's config, whose data id is the key.
func (c *center) WatchRule(ctx context.Context, group, rule string, each func(string)) error {
	k := key{group, rule}
	return c.listenTo(ctx, k, func(content []string) { each(content[0]) }, func(_ context.Context, content string) ([]string, error) {
		if len(content) > maxRuleBytes {
			return nil, fmt.Errorf("config %s: %w: %d bytes (limit %d)", k, errTooLarge, len(content), maxRuleBytes)
		}
		return []string{content}, nil
	})
}

// listenTo tells what load makes of a config, now and whenever it changes.
func (c *center) listenTo(ctx context.Context, k key, each func([]string), load func(context.Context, string) ([]string, error)) error {
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return registry.ErrClosed
	}
	l := c.listens[k]
	if l == nil {
		l = &listening{key: k, state: newState[string](), turn: newTurn(), load: load}
		c.listens[k] = l
	}
	l.refs++
	c.wg.Add(1)
	c.mu.Unlock()
	defer c.wg.Done()
	defer func() {
		c.mu.Lock()
		l.refs--
		c.mu.Unlock()
	}()
	if err := c.refresh(ctx, l); err != nil {
		return err
	}
	return l.state.follow(ctx, c.over, each)
}

// refresh reads the config and listens for what differs from it.
func (c *center) refresh(ctx context.Context, l *listening) error {
	if err := l.turn.take(ctx); err != nil {
		return fmt.Errorf("watch config %s: %w", l.key, err)
	}
	defer l.turn.leave()
	c.mu.Lock()
	l.dirty = false
	gone := l.refs == 0
	c.mu.Unlock()
	if gone {
		return nil
	}
	err := c.listen(ctx, l)
	if err != nil && !errors.Is(err, errTooLarge) { // that one only its next change can mend
		c.mu.Lock()
		l.dirty = true
		c.mu.Unlock()
	}
	return err
}

func (c *center) listen(ctx context.Context, l *listening) error {
	content, err := c.heard(ctx, l.key)
	if err != nil {
		return err
	}
	value, err := l.load(ctx, content)
	if err != nil {
		return err
	}
	l.state.set(value)
	return nil
}

// heard reads a config and listens for what differs from it. What changes in between the server tells in its answer, and never again.
func (c *center) heard(ctx context.Context, k key) (content string, err error) {
	for range 4 { // and then the next check sees it
		var found, changed bool
		if content, found, err = c.read(ctx, k); err != nil {
			return "", err
		}
		if changed, err = c.differs(ctx, k, content, found); err != nil || !changed {
			return content, err
		}
	}
	return content, nil
}

// differs listens for what differs from what is known of a config, and tells whether it does already.
func (c *center) differs(ctx context.Context, k key, content string, found bool) (bool, error) {
	req := rpc_request.NewConfigBatchListenRequest(1)
	known := ""
	if found {
		known = digest(content)
	}
	req.ConfigListenContexts = append(req.ConfigListenContexts, model.ConfigListenContext{Group: k.group, DataId: k.dataID, Tenant: c.s.namespace, Md5: known})
	r, err := c.config.ask(ctx, c.headed(req), security.BuildConfigResourceByRequest(req))
	if err != nil {
		return false, fmt.Errorf("watch config %s: %w", k, err)
	}
	if err := refusal("watching config "+k.String(), r); err != nil {
		return false, err
	}
	answer, ok := r.(*rpc_response.ConfigChangeBatchListenResponse)
	return ok && len(answer.ChangedConfigs) > 0, nil
}

// changed takes what the config service pushes: only that something changed.
func (c *center) changed(r rpc_request.IRequest) {
	n, ok := r.(*rpc_request.ConfigChangeNotifyRequest)
	if !ok {
		return
	}
	c.mu.Lock()
	if l := c.listens[key{n.Group, n.DataId}]; l != nil {
		l.dirty = true
	}
	c.mu.Unlock()
	c.signal()
}

// restoreWatches asks again where that is marked.
func (c *center) restoreWatches(ctx context.Context) error {
	var subs []*subscription
	var listens []*listening
	c.mu.Lock()
	for _, s := range c.subs {
		if s.dirty && s.refs > 0 {
			subs = append(subs, s)
		}
	}
	for _, l := range c.listens {
		if l.dirty && l.refs > 0 {
			listens = append(listens, l)
		}
	}
	c.mu.Unlock()
	return errors.Join(
		atOnce(subs, func(s *subscription) error { return c.refreshInstances(ctx, s) }),
		atOnce(listens, func(l *listening) error {
			err := c.refresh(ctx, l)
			if errors.Is(err, errTooLarge) {
				c.log.Warn("nacos: a rule is refused, the last one stands", "error", err)
				return nil
			}
			return err
		}))
}
