package keeper

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/internal/keeperwire"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
)

// target is one provider, as one application speaks to it.
type target struct {
	app      *app
	key      keeperwire.Target
	used     atomic.Int64 // when somebody last wanted it; Unix nanoseconds
	hopeless atomic.Bool  // it has failed for so long that it is to be forgotten
	ctx      context.Context
	stop     context.CancelFunc

	lending, relaying bool // what is at work; guarded by the application's lock

	idle  atomic.Pointer[dubbo.Idle] // can be lent
	taken chan struct{}              // told when idle was lent
	line  atomic.Pointer[line]       // frames can be passed on to
}

func newTarget(a *app, key keeperwire.Target) *target {
	t := &target{app: a, key: key, taken: make(chan struct{}, 1)}
	t.ctx, t.stop = context.WithCancel(a.ctx)
	return t
}

func (t *target) touch() { t.used.Store(time.Now().UnixNano()) }

// touchIfBusy notes that borrowers have channels to the target now: calls may be under way, however long ago the channels were opened.
func (t *target) touchIfBusy() {
	if l := t.line.Load(); l != nil && l.busy() {
		t.touch()
	}
}

// start is called with the application's lock held; it begins to keep connections of a kind.
func (t *target) start(relay bool) {
	k := t.app.k
	switch {
	case relay && !t.relaying:
		t.relaying = true
		k.wg.Go(func() { t.run(t.keepLine) })
	case !relay && !t.lending:
		t.lending = true
		k.wg.Go(func() { t.run(t.keepIdle) })
	}
}

// run connects, and keeps connected, until the target is let go or hopeless. keep returns when the connection is gone: how it was, and whether to connect again at once.
func (t *target) run(keep func() (again bool, err error)) {
	k, cfg := t.app.k, &t.app.k.cfg
	pause := cfg.BackoffMin
	var failing time.Time
	for {
		begin := time.Now()
		again, err := keep()
		if t.ctx.Err() != nil {
			return
		}
		if err == nil && (again || time.Since(begin) > cfg.BackoffMax) {
			pause, failing = cfg.BackoffMin, time.Time{}
			if again {
				continue
			}
		}
		if err != nil {
			k.counts.failures.Add(1)
			if failing.IsZero() {
				failing = begin
				cfg.Log.Info("keeper: a target can't be reached; it is tried again", "app", t.app.name, "target", t.key.Address, "error", err)
			}
			if time.Since(failing) >= cfg.GiveUpAfter {
				t.hopeless.Store(true)
				cfg.Log.Warn("keeper: a target is given up until somebody wants it", "app", t.app.name, "target", t.key.Address, "error", err)
				return
			}
		} else {
			k.counts.lost.Add(1)
			failing = time.Time{}
		}
		if !wait(t.ctx, pause/2+rand.N(pause/2+1)) {
			return
		}
		pause = min(2*pause, cfg.BackoffMax)
	}
}

// connConfig is how the keeper speaks to providers.
func (t *target) connConfig() dubbo.ConnConfig {
	k := t.app.k
	return dubbo.ConnConfig{Log: k.cfg.Log, Budget: k.budget, MaxBytes: k.cfg.MaxBytes, Heartbeat: k.cfg.Heartbeat}
}

// keepIdle holds a connection that can be lent, until it was or has ended.
func (t *target) keepIdle() (again bool, err error) {
	k := t.app.k
	k.counts.dials.Add(1)
	d := net.Dialer{Timeout: k.cfg.DialTimeout}
	nc, err := d.DialContext(t.ctx, "tcp", t.key.Address)
	if err != nil {
		return false, err
	}
	i := dubbo.NewIdle(nc, t.connConfig())
	t.idle.Store(i)
	select {
	case <-t.taken:
		return wait(t.ctx, k.cfg.LoanPause), nil
	case <-i.Done():
		k.cfg.Log.Debug("keeper: a connection ended", "app", t.app.name, "target", t.key.Address, "reason", i.Err())
	case <-t.ctx.Done():
	}
	t.idle.CompareAndSwap(i, nil)
	_ = i.Close()
	select {
	case <-t.taken: // at the last moment
		return true, nil
	default:
		return false, nil
	}
}

// keepLine holds a connection that frames are passed on to, until it has ended or its provider is going.
func (t *target) keepLine() (again bool, err error) {
	k := t.app.k
	cfg := t.connConfig()
	if t.key.TLS {
		if cfg.TLS, err = t.tls(); err != nil {
			return false, err
		}
	}
	k.counts.dials.Add(1)
	ctx, cancel := context.WithTimeout(t.ctx, k.cfg.DialTimeout)
	defer cancel()
	conn, err := dubbo.Dial(ctx, t.key.Address, cfg)
	if err != nil {
		return false, err
	}
	l := newLine(conn)
	t.line.Store(l)
	select {
	case <-conn.Done():
	case <-conn.Leaving():
	case <-t.ctx.Done():
	}
	t.line.CompareAndSwap(l, nil)
	if t.ctx.Err() == nil {
		k.cfg.Log.Debug("keeper: a connection ended, or its provider is going", "app", t.app.name, "target", t.key.Address)
	}
	k.wg.Go(func() { l.finish(t.ctx) })
	return false, nil
}

// tls is what to speak TLS with, the name that the certificate must have included.
func (t *target) tls() (*tls.Config, error) {
	base, err := t.app.k.cfg.TLS(t.app.name)
	if err == nil && base == nil {
		err = fmt.Errorf("no TLS for app %q", t.app.name)
	}
	if err != nil || t.key.Name == "" {
		return base, err
	}
	c := base.Clone()
	c.ServerName = t.key.Name
	c.VerifyConnection = func(s tls.ConnectionState) error { // also where the keeper itself would take any name
		if len(s.PeerCertificates) == 0 {
			return errors.New("the provider shows no certificate")
		}
		if err := s.PeerCertificates[0].VerifyHostname(t.key.Name); err != nil {
			return err
		}
		if base.VerifyConnection != nil {
			return base.VerifyConnection(s)
		}
		return nil
	}
	return c, nil
}
