// Package keeper holds what functions need warm while they sleep: connections to the providers that they call, and what the registries say. A process
// that starts asks for all of it at once (package lent).
//
// Plain connections are given away over a unix socket, with the descriptors themselves: a lent one is the borrower's for good, and the keeper
// connects anew at once, so that no connection ever has two owners. TLS connections, and those of processes that don't see the socket, stay with the keeper, which passes
// frames on under numbers of its own. A target is kept once a function has used it. What the keeper loses when it is restarted is warmth, nothing else.
package keeper

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/internal/keeperwire"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/registry/hint"
)

// Keeper holds connections and registry state. Safe for concurrent use.
type Keeper struct {
	cfg      Config
	ctx      context.Context // ends with Close
	stop     context.CancelFunc
	wg       sync.WaitGroup
	follower *hint.Follower
	follows  sync.Mutex
	wanted   map[hint.Key]int // how many applications want what is followed; guarded by follows
	budget   *dubbo.Budget
	counts   counts

	mu     sync.Mutex
	apps   map[string]*app
	peers  map[*peer]struct{}
	closed bool
}

// New makes a keeper, which keeps nothing yet. It outlives ctx, whose values it keeps; Close ends it.
func New(ctx context.Context, c Config) (*Keeper, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("keeper: %w", err)
	}
	k := &Keeper{cfg: c.withDefaults(), apps: map[string]*app{}, peers: map[*peer]struct{}{}, wanted: map[hint.Key]int{}, budget: dubbo.NewBudget(0)}
	k.ctx, k.stop = context.WithCancel(context.WithoutCancel(ctx))
	k.follower = hint.NewFollower(k.ctx, k.cfg.Registries, k.cfg.Log)
	k.wg.Go(k.tend)
	return k, nil
}

// Serve accepts borrowers, over unix sockets or TCP, until ctx ends, the keeper is closed or the listener fails, whose error it gives. It closes the listener. The borrowers' connections
// end with Close.
func (k *Keeper) Serve(ctx context.Context, l net.Listener) error {
	defer context.AfterFunc(k.ctx, func() { _ = l.Close() })()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	defer func() { _ = l.Close() }()
	for pause := time.Duration(0); ; {
		conn, err := l.Accept()
		switch {
		case ctx.Err() != nil || k.ctx.Err() != nil:
			if err == nil {
				_ = conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("keeper: accept: %w", err)
		case err != nil: // no descriptors left, for instance
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			k.cfg.Log.Warn("keeper: accept failed", "error", err, "again", pause)
			if !wait(ctx, pause) {
				return nil
			}
		default:
			pause = 0
			k.accept(conn)
		}
	}
}

func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// accept begins with a borrower, unless there are too many. One that has not proved itself makes room.
func (k *Keeper) accept(conn net.Conn) {
	p := newPeer(k, conn)
	k.mu.Lock()
	full := len(k.peers) >= k.cfg.MaxConns && !k.evict()
	if full || k.closed {
		k.mu.Unlock()
		_ = conn.Close()
		if full {
			k.counts.refused.Add(1)
			k.cfg.Log.Warn("keeper: too many borrowers", "limit", k.cfg.MaxConns)
		}
		return
	}
	k.peers[p] = struct{}{}
	k.wg.Go(p.run)
	k.mu.Unlock()
}

// evict is called with the lock held; it cuts off a peer that has not proved itself, so that strangers who say nothing keep nobody out.
func (k *Keeper) evict() bool {
	for p := range k.peers {
		if p.app == nil {
			delete(k.peers, p)
			p.cut("it has not proved itself, and there is no room")
			return true
		}
	}
	return false
}

func (k *Keeper) left(p *peer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.peers, p)
	if p.app != nil {
		p.app.peers--
	}
}

// find gives what Config.Apps says of an application: of its name, else of any.
func (k *Keeper) find(name string) (App, bool) {
	found, ok := App{}, false
	for _, a := range k.cfg.Apps() {
		switch a.Name {
		case name:
			return a, true
		case AnyApp:
			found, ok = a, true
			found.Name = name
		}
	}
	return found, ok
}

// join makes a borrower that has proved itself one of its application's.
func (k *Keeper) join(p *peer, a App) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return errors.New("the keeper is closing")
	}
	of := k.apps[a.Name]
	if of == nil && len(k.apps) >= maxApps {
		return fmt.Errorf("%d applications already (limit %[1]d)", maxApps)
	}
	if of == nil {
		of = newApp(k, a.Name)
		k.apps[a.Name] = of
	}
	if of.peers >= k.cfg.MaxPerApp {
		return fmt.Errorf("%d borrowers of app %q already (limit %d)", of.peers, a.Name, k.cfg.MaxPerApp)
	}
	of.peers++
	p.app = of
	return nil
}

// mayUse checks the user of the process at the other end of a unix socket.
func (k *Keeper) mayUse(conn net.Conn) error {
	u, ok := conn.(*net.UnixConn)
	if !ok {
		return nil
	}
	uid, known, err := userOf(u)
	if err != nil {
		return fmt.Errorf("find the peer's user: %w", err)
	}
	allowed := k.cfg.UIDs
	if len(allowed) == 0 {
		allowed = []int{os.Getuid(), 0}
	}
	if !known || slices.Contains(allowed, uid) || slices.ContainsFunc(allowed, func(id int) bool { return id < 0 }) {
		return nil
	}
	return fmt.Errorf("processes of user %d may not use this socket", uid)
}

// tend looks after what nobody else does: calls whose time is over, borrowers that read nothing, targets that nobody wants.
func (k *Keeper) tend() {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for n := 0; ; n++ {
		select {
		case <-k.ctx.Done():
			return
		case <-t.C:
		}
		k.mu.Lock()
		peers := make([]*peer, 0, len(k.peers))
		for p := range k.peers {
			peers = append(peers, p)
		}
		apps := make([]*app, 0, len(k.apps))
		for _, a := range k.apps {
			apps = append(apps, a)
		}
		k.mu.Unlock()
		for _, p := range peers {
			p.tend(time.Now())
		}
		if n%10 != 0 {
			continue
		}
		for _, a := range apps {
			if declared, ok := k.find(a.name); !ok {
				k.dismiss(a)
			} else if a.tend(time.Now(), declared) {
				k.forget(a)
			}
		}
	}
}

// forget drops an application that has nothing, and of which nobody is here.
func (k *Keeper) forget(a *app) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if a.peers == 0 && k.apps[a.name] == a {
		delete(k.apps, a.name)
		a.end()
	}
}

// dismiss lets go of all that an application had, which is no longer among those that may use the keeper.
func (k *Keeper) dismiss(a *app) {
	k.cfg.Log.Info("keeper: an application was taken out; what it had is let go", "app", a.name)
	k.mu.Lock()
	delete(k.apps, a.name)
	var peers []*peer
	for p := range k.peers {
		if p.app == a {
			peers = append(peers, p)
		}
	}
	k.mu.Unlock()
	for _, p := range peers {
		p.cut("its application was taken out")
	}
	a.end()
}

// unread is what waits for borrowers in all, and the one that leaves most.
func (k *Keeper) unread() (all int64, most *peer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	size := -1
	for p := range k.peers {
		n := p.w.Queued()
		all += int64(n)
		if n > size {
			most, size = p, n
		}
	}
	return all, most
}

// Close ends all connections and waits for everything that was started. Calling it again does nothing.
func (k *Keeper) Close() error {
	k.mu.Lock()
	k.closed = true
	peers, apps := k.peers, k.apps
	k.apps = map[string]*app{}
	var all []*peer
	for p := range peers {
		all = append(all, p)
	}
	k.mu.Unlock()
	k.stop()
	for _, p := range all {
		p.cut("the keeper is closing")
	}
	for _, a := range apps {
		a.end()
	}
	k.wg.Wait()
	return k.follower.Close()
}

// allows refuses what an application may not have.
func (k *Keeper) allows(declared App, t keeperwire.Target) error {
	if !declared.Allows(t.Address) {
		k.counts.forbidden.Add(1)
		return fmt.Errorf("app %q may have no connection to %s", declared.Name, t.Address)
	}
	if t.TLS && k.cfg.TLS == nil {
		return errors.New("this keeper speaks no TLS")
	}
	return nil
}

// following has a thing of a registry followed, for one application more.
func (k *Keeper) following(key hint.Key) error {
	k.follows.Lock()
	defer k.follows.Unlock()
	if err := k.follower.Follow(key); err != nil {
		return err
	}
	k.wanted[key]++
	return nil
}

// unfollow ends that, for one application; with the last it is not followed any more.
func (k *Keeper) unfollow(key hint.Key) {
	k.follows.Lock()
	defer k.follows.Unlock()
	if k.wanted[key]--; k.wanted[key] <= 0 {
		delete(k.wanted, key)
		k.follower.Unfollow(key)
	}
}
