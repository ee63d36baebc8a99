package supervise

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"
)

const (
	maxWaiting = 10_000 // requests that wait for one function
	minBackoff = 100 * time.Millisecond
	maxBackoff = 10 * time.Second
	// proven is how long a process must have been ready for its end, unasked, not to count as another failure in a row.
	proven = 10 * time.Second
)

// function is a Function and its process.
type function struct {
	Function
	s      *Supervisor
	out    *printer
	prefix string
	proxy  *httputil.ReverseProxy

	mu        sync.Mutex
	phase     Phase
	current   *process // that takes requests, or will; nil: asleep
	waiting   int
	starts    int
	draining  int
	took      time.Duration
	failures  int // in a row
	notBefore time.Time
	err       error
	fenced    bool // no process may start any more
	renewals  int
}

// acquire gives the process for one request, which release must be called for; it starts one where there is none.
func (f *function) acquire(ctx context.Context) (*process, error) {
	late := time.NewTimer(f.s.cfg.Start)
	defer late.Stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		if f.fenced {
			return nil, &refusal{http.StatusServiceUnavailable, f.Name + " is not started any more: this machine's supervisor is ending"}
		}
		if f.waiting >= maxWaiting {
			return nil, &refusal{http.StatusServiceUnavailable, fmt.Sprintf("%d requests wait for %s already", maxWaiting, f.Name)}
		}
		p := f.current
		if p == nil {
			p = f.begin(ctx)
		}
		if p.ready {
			p.inFlight++
			return p, nil
		}
		var gaveUp error
		f.waiting++
		f.mu.Unlock()
		select {
		case <-p.settled:
		case <-late.C:
			gaveUp = &refusal{http.StatusGatewayTimeout, ""}
		case <-ctx.Done():
			gaveUp = ctx.Err()
		}
		f.mu.Lock()
		f.waiting--
		if gaveUp != nil {
			return nil, f.explained(gaveUp)
		}
	}
}

// explained says why a request that waited too long got nothing: 502 where processes end, 504 where one just does not become ready.
func (f *function) explained(err error) error {
	if !errors.As(err, new(*refusal)) {
		return err
	}
	if f.err != nil {
		return &refusal{http.StatusBadGateway, fmt.Sprintf("%s did not start within %v: %v", f.Name, f.s.cfg.Start, f.err)}
	}
	return &refusal{http.StatusGatewayTimeout, fmt.Sprintf("%s was not ready within %v", f.Name, f.s.cfg.Start)}
}

func (f *function) release(p *process) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p.inFlight--
	p.used = time.Now()
	p.checkQuiet()
}

// begin makes the next process; the lock is held.
func (f *function) begin(ctx context.Context) *process {
	p := &process{f: f, settled: make(chan struct{}), renewed: make(chan struct{}), quiet: make(chan struct{}), gone: make(chan struct{})}
	f.current = p
	f.change(Starting)
	ctx = context.WithoutCancel(ctx) // the process is for others too
	f.s.running.Go(func() { p.run(ctx) })
	return p
}

// wanted says whether a process that was to start is still waited for; if not, there is none.
func (f *function) wanted(p *process) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current != p { // renewed
		return false
	}
	if f.waiting > 0 && !f.fenced {
		f.starts++
		p.revision = Revision(f.Name, f.renewals)
		return true
	}
	f.settle(p)
	return false
}

// settle takes away a process that never was ready; the lock is held.
func (f *function) settle(p *process) {
	f.current = nil
	close(p.settled)
	f.change(Asleep)
}

// awake lets a process have the requests that wait. false: it is to end instead.
func (f *function) awake(p *process, took time.Duration) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current != p { // renewed
		f.draining++
		return false
	}
	if f.fenced {
		f.draining++
		f.settle(p)
		return false
	}
	p.ready, p.used, p.since = true, time.Now(), time.Now()
	f.took, f.err = took, nil
	close(p.settled)
	f.change(Awake)
	return true
}

// failed notes that a process did not become ready; told is false where that is no wonder.
func (f *function) failed(p *process, err error) (told bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current != p { // renewed
		return false
	}
	if !f.fenced {
		f.failure(err)
	}
	f.settle(p)
	return !f.fenced
}

// lost notes that a process that was ready has ended unasked.
func (f *function) lost(p *process, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current != p { // renewed
		f.draining--
		return
	}
	if time.Since(p.since) >= proven {
		f.failures = 0
	}
	f.failure(err)
	f.current = nil
	close(p.gone)
	f.change(Asleep)
}

// failure makes the next start wait: not after the first failure in a row, then longer and longer.
func (f *function) failure(err error) {
	f.err = err
	f.failures++
	if f.failures > 1 {
		f.notBefore = time.Now().Add(min(minBackoff<<min(f.failures-2, 20), maxBackoff))
	}
}

// retire takes a process that nobody has used for the idle time, or any where the supervisor ends, away from requests: it is to be
// ended. Otherwise rest is when to ask again.
func (f *function) retire(p *process) (retired bool, rest time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current != p { // renewed
		return true, 0
	}
	rest = f.s.cfg.Idle
	if p.inFlight == 0 {
		rest -= time.Since(p.used)
	}
	if rest > 0 && !f.fenced {
		return false, rest
	}
	f.current = nil
	close(p.gone)
	f.draining++
	f.failures = 0
	f.change(Asleep)
	return true, 0
}

// renew takes the process away from requests, whatever it has to do, and lets the next one start at once: failures were those of another program.
func (f *function) renew() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.renewals++
	f.failures, f.notBefore, f.err = 0, time.Time{}, nil
	p := f.current
	if p == nil {
		return
	}
	close(p.renewed)
	if !p.ready {
		f.settle(p)
		return
	}
	f.current = nil
	close(p.gone)
	f.draining++
	p.checkQuiet()
	f.change(Asleep)
}

// checkQuiet notes that a renewed process has no request left; the lock is held. No further one comes.
func (p *process) checkQuiet() {
	select {
	case <-p.renewed:
		if p.ready && p.inFlight == 0 {
			close(p.quiet)
		}
	default:
	}
}

// drained notes that a process that was told to end has.
func (f *function) drained() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.draining--
}

// fence lets no process start any more.
func (f *function) fence() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fenced = true
}

// pause is how long the next start has to wait.
func (f *function) pause() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Until(f.notBefore)
}

// change tells of another phase; the lock is held.
func (f *function) change(p Phase) {
	f.phase = p
	f.s.cfg.Changed(f.state())
}

// state is what there is to tell; the lock is held.
func (f *function) state() State {
	st := State{Name: f.Name, Phase: f.phase, Waiting: f.waiting, Starts: f.starts, Draining: f.draining, Took: f.took, Err: f.err}
	if p := f.current; p != nil {
		st.InFlight, st.PID = p.inFlight, p.pid
	}
	return st
}
