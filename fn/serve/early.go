package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/internal/earlylane"
)

const (
	defaultLanePort = 20881

	laneLook        = 10 * time.Second // how often the activator's addresses are looked up
	laneDial        = time.Second      // one attempt to connect
	laneHandshake   = 5 * time.Second  // of TLS
	lanePause       = 100 * time.Millisecond
	laneRefusePause = 5 * time.Second // the first pause after a refusal, which won't pass by itself
	laneMaxPause    = 10 * time.Second
	maxLanes        = 64 // addresses that are dialled: an activator has a few replicas
	laneSpare       = 16 // streams that aren't calls
)

// early keeps a connection to every replica of the activator, on which that sends calls.
type early struct {
	places  []place
	hello   earlylane.Hello
	token   string
	tls     *auth.TLS     // nil: plain
	finish  time.Duration // for calls in flight at the end
	handler http.Handler
	ready   <-chan struct{} // closed when calls may come
	ledger  *cold.Ledger
	log     *slog.Logger

	snapshot chan []byte   // the first that came
	asked    chan struct{} // closed when every address has been asked once

	lanes sync.WaitGroup
	mu    sync.Mutex
	known map[netip.AddrPort]bool   // true: was among the last addresses; each has a goroutine
	names map[netip.AddrPort]string // of those in known
}

// place is one of DUBBOFN_ACTIVATOR.
type place struct {
	host string
	port uint16
}

func (f *function) newEarly() (*early, error) {
	if f.config.Activator == "" {
		return nil, nil
	}
	if f.config.Token == "" {
		f.log.Warn("no early lane: without DUBBOFN_TOKEN the activator and this process don't know each other", "activator", f.config.Activator)
		return nil, nil
	}
	address, secure := strings.CutPrefix(f.config.Activator, tlsScheme)
	var t *auth.TLS
	var untrusted error
	if secure {
		t, untrusted = auth.NewTLS(auth.TLSConfig{CertFile: f.config.TLSCert, KeyFile: f.config.TLSKey, CAFile: f.config.TLSCA, Log: f.log})
	}
	places, err := splitActivators(address)
	if err := errors.Join(untrusted, err); err != nil {
		return nil, fmt.Errorf("DUBBOFN_ACTIVATOR=%q: %w", f.config.Activator, err)
	}
	return &early{
		places: places, token: f.config.Token, tls: t, finish: f.config.DrainTimeout, ready: f.isReady, ledger: f.ledger, log: f.log,
		hello:    earlylane.Hello{App: f.config.App, Revision: f.config.KRevision, Instance: f.instance, Limit: min(f.config.MaxCalls, earlylane.MaxLimit)},
		handler:  f.calls.count(f.server.Handler()),
		snapshot: make(chan []byte, 1), asked: make(chan struct{}), known: map[netip.AddrPort]bool{}, names: map[netip.AddrPort]string{},
	}, nil
}

// run looks up the addresses and keeps a lane to each until ctx ends and what was in flight is done.
func (e *early) run(ctx context.Context) {
	defer e.lanes.Wait()
	pause, quiet := lanePause, false
	for first := true; ; first = false {
		addresses, err := e.look(ctx)
		if err != nil && ctx.Err() == nil {
			e.complain(ctx, &quiet, "no early lane: the activator's name can't be looked up", "error", err)
		}
		e.follow(ctx, addresses, first)
		wait := laneLook
		if len(addresses) == 0 {
			wait, pause = pause, min(2*pause, laneLook)
		} else {
			pause, quiet = lanePause, false
		}
		if !sleep(ctx, wait) {
			return
		}
	}
}

// look gives every address there is. The error says which names could not be looked up; the addresses of others, and those that a name had before, are there all the same.
func (e *early) look(ctx context.Context) (all []netip.AddrPort, err error) {
	for _, p := range e.places {
		var ips []netip.Addr
		var fault error
		if a, no := netip.ParseAddr(p.host); no == nil {
			ips = []netip.Addr{a}
		} else if ips, fault = net.DefaultResolver.LookupNetIP(ctx, "ip", p.host); fault != nil {
			err = errors.Join(err, fault)
			all = append(all, e.before(p.host)...)
			continue
		}
		e.mu.Lock()
		for _, ip := range ips[:min(len(ips), maxLanes-min(len(all), maxLanes))] {
			at := netip.AddrPortFrom(ip.Unmap(), p.port)
			e.names[at] = p.host
			all = append(all, at)
		}
		e.mu.Unlock()
	}
	return all, err
}

// before gives the addresses that a name had when it was looked up last.
func (e *early) before(host string) (all []netip.AddrPort) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for a, wanted := range e.known {
		if wanted && e.names[a] == host {
			all = append(all, a)
		}
	}
	return all
}

// follow begins a lane to every address that is new. One that is there no more is left alone for as long as its connection lives. Where the
// look-up failed, everything stays.
func (e *early) follow(ctx context.Context, addresses []netip.AddrPort, first bool) {
	var asked sync.WaitGroup
	e.mu.Lock()
	if len(addresses) > 0 {
		for a := range e.known {
			e.known[a] = false
		}
	}
	for _, a := range addresses {
		_, there := e.known[a]
		e.known[a] = true
		if !there {
			asked.Add(1)
			e.lanes.Go(func() { e.keep(ctx, a, sync.OnceFunc(asked.Done)) })
		}
	}
	e.mu.Unlock()
	if first {
		e.lanes.Go(func() {
			asked.Wait()
			close(e.asked)
		})
	}
}

// wanted tells whether an address is still the activator's, and forgets one that isn't.
func (e *early) wanted(a netip.AddrPort) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.known[a] {
		delete(e.known, a)
		delete(e.names, a)
		return false
	}
	return true
}

// keep holds a lane to one address for as long as that is wanted. asked is called once the first attempt was greeted, or has failed.
func (e *early) keep(ctx context.Context, a netip.AddrPort, asked func()) {
	defer asked()
	pause, quiet := lanePause, false
	for e.wanted(a) {
		begun := time.Now()
		opened, err := e.lane(ctx, a, asked)
		asked()
		if ctx.Err() != nil {
			return
		}
		switch {
		case opened:
			quiet = false
			if time.Since(begun) > laneMaxPause {
				pause = lanePause
			}
			e.log.Debug("early lane ended", "activator", a, "error", err)
		default:
			e.complain(ctx, &quiet, "no early lane; calls come by the platform's way", "activator", a, "error", err)
			if errors.Is(err, earlylane.ErrRefused) || errors.Is(err, earlylane.ErrProof) {
				pause = max(pause, laneRefusePause)
			}
		}
		if !sleep(ctx, pause/2+rand.N(pause)) {
			return
		}
		pause = min(2*pause, laneMaxPause)
	}
}

// complain warns once, until quiet is taken back.
func (e *early) complain(ctx context.Context, quiet *bool, what string, args ...any) {
	level := slog.LevelWarn
	if *quiet {
		level = slog.LevelDebug
	}
	*quiet = true
	e.log.Log(ctx, level, what, args...)
}

// lane is one connection from dial to end.
func (e *early) lane(ctx context.Context, address netip.AddrPort, asked func()) (opened bool, err error) {
	begun := time.Now()
	conn, err := e.dial(ctx, address)
	if err != nil {
		return false, fmt.Errorf("early lane: %w", err)
	}
	offered, err := earlylane.Offer(ctx, conn, e.hello, e.token)
	if err != nil {
		return false, err
	}
	if len(offered.Snapshot) > 0 {
		select {
		case e.snapshot <- offered.Snapshot:
		default: // another replica's was first
		}
	}
	asked()
	_ = e.ledger.Record() // what it reads of /proc is read by now when the process is ready
	select {
	case <-e.ready:
	case <-ctx.Done():
		return false, errors.Join(context.Cause(ctx), offered.Close())
	}
	if err := offered.Open(ctx, e.told()); err != nil {
		return false, err
	}
	e.ledger.Mark(cold.PhaseLane, begun, time.Now())
	e.log.Debug("early lane open", "activator", address)
	return true, earlylane.Serve(ctx, conn, e.handler, earlylane.ServeConfig{
		Streams: e.hello.Limit + laneSpare, Finish: e.finish, Log: slog.NewLogLogger(e.log.Handler(), slog.LevelDebug),
	})
}

func (e *early) dial(ctx context.Context, address netip.AddrPort) (net.Conn, error) {
	dialler := net.Dialer{Timeout: laneDial}
	conn, err := dialler.DialContext(ctx, "tcp", address.String())
	if err != nil || e.tls == nil {
		return conn, err
	}
	c := e.tls.Client()
	if c.ServerName == "" {
		e.mu.Lock()
		c.ServerName = strings.TrimSuffix(e.names[address], ".") // as certificates have it
		e.mu.Unlock()
	}
	secure := tls.Client(conn, c)
	ctx, cancel := context.WithTimeout(ctx, laneHandshake)
	defer cancel()
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return secure, nil
}

// told is the ledger so far, for the activator.
func (e *early) told() []byte {
	const most = 4 << 10 // what the handshake has room for
	b, err := e.ledger.MarshalJSON()
	if err != nil || len(b) > most {
		return nil
	}
	return b
}

// sleep waits, unless ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
