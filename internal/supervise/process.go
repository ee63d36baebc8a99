package supervise

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

const (
	probeEvery = 2 * time.Millisecond
	probeTime  = time.Second // for one answer
	// stuckOutput is how long after its end a process's output may be held open by what it started.
	stuckOutput = time.Second
)

// process is one run of a function's program.
type process struct {
	f       *function
	settled chan struct{} // closed once it takes requests, or never will
	renewed chan struct{} // closed once it is to make room for the next one
	quiet   chan struct{} // closed once it is to, and has no request left

	// guarded by the function's lock
	ready       bool
	inFlight    int
	used, since time.Time
	pid         int
	revision    string

	transport *http.Transport
	address   string
	cmd       *exec.Cmd
	output    *lines
	errors    *lines
	exited    chan struct{}
	exit      error         // valid once exited is closed
	gone      chan struct{} // closed once the function has noted that it takes no requests any more
}

// run looks after the process from the pause before its start to its end.
func (p *process) run(ctx context.Context) {
	f := p.f
	p.pause()
	if !f.wanted(p) {
		return
	}
	port, release, err := reserve()
	if err != nil {
		p.fail(err)
		return
	}
	defer release()
	p.prepare(ctx, port)
	begin := time.Now()
	if err := f.s.spawner.start(p.cmd); err != nil {
		p.fail(fmt.Errorf("start %s: %w", f.Path, err))
		return
	}
	f.mu.Lock()
	p.pid = p.cmd.Process.Pid
	f.mu.Unlock()
	go func() {
		sweep(p.cmd)
		p.exit = p.cmd.Wait()
		p.output.last() // a line without an end is told too
		p.errors.last()
		close(p.exited)
	}()
	defer func() { <-p.exited }()
	defer p.transport.CloseIdleConnections()
	if err := p.untilReady(ctx, begin.Add(f.s.cfg.Start)); err != nil {
		kill(p.cmd)
		<-p.exited
		p.fail(err)
		return
	}
	took := time.Since(begin)
	if !f.awake(p, took) {
		p.end()
		return
	}
	f.s.cfg.Log.Info("function is awake", "function", f.Name, "pid", p.pid, "took", took.Round(100*time.Microsecond))
	p.serve()
}

// pause waits until the process may start, or the supervisor ends.
func (p *process) pause() {
	d := p.f.pause()
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.renewed:
	case <-p.f.s.stopping:
	}
}

func (p *process) prepare(ctx context.Context, port int) {
	f := p.f
	p.exited = make(chan struct{})
	p.address = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	p.output, p.errors = &lines{to: f.out, prefix: f.prefix}, &lines{to: f.out, prefix: f.prefix}
	p.cmd = exec.CommandContext(ctx, f.Path, f.Args...) //nolint:gosec // what runs is the operator's choice; ctx never ends: a process is told by SIGTERM
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.errors
	p.cmd.WaitDelay = stuckOutput
	p.cmd.Env = append(append([]string{}, f.s.cfg.Environment...),
		"PORT="+strconv.Itoa(port), "K_SERVICE="+f.Name, "K_CONFIGURATION="+f.Name, "K_REVISION="+p.revision)
	p.cmd.Env = append(p.cmd.Env, f.Environment...)
	tie(p.cmd)
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	p.transport = &http.Transport{Protocols: &protocols, DisableCompression: true}
}

// Revision is what K_REVISION is for a function of that name that was renewed that many times.
func Revision(name string, renewed int) string { return fmt.Sprintf("%s-%05d", name, renewed+1) }

// untilReady returns nil once the process says that it takes requests.
func (p *process) untilReady(ctx context.Context, end time.Time) error {
	every := time.NewTicker(probeEvery)
	defer every.Stop()
	reason := "it did not listen on PORT"
	for time.Now().Before(end) {
		ok, why := p.probe(ctx, end)
		if ok {
			return nil
		}
		if why != "" {
			reason = why
		}
		select {
		case <-every.C:
		case <-p.exited:
			return fmt.Errorf("it ended: %w", p.exitError())
		case <-p.renewed:
			return errors.New("there is another program")
		case <-p.f.s.stopping:
			return errors.New("the supervisor is ending")
		}
	}
	return fmt.Errorf("it was not ready after %v: %s", p.f.s.cfg.Start, reason)
}

// probe asks once; why is empty while nobody listens.
func (p *process) probe(ctx context.Context, end time.Time) (ok bool, why string) {
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, probeTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+"/health/ready", nil)
	if err != nil {
		return false, err.Error()
	}
	resp, err := p.transport.RoundTrip(req)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED) || err != nil && !time.Now().Before(end):
		return false, ""
	case errors.Is(err, context.DeadlineExceeded):
		return false, fmt.Sprintf("GET /health/ready got no answer within %v", probeTime)
	case err != nil:
		return false, err.Error()
	}
	_ = resp.Body.Close() // the status says all
	return resp.StatusCode == http.StatusOK, "GET /health/ready gave " + resp.Status
}

func (p *process) exitError() error {
	if p.exit == nil {
		return errors.New("exit status 0")
	}
	return p.exit
}

func (p *process) fail(err error) {
	if !p.f.failed(p, err) {
		return
	}
	said := ""
	if p.errors != nil {
		said = p.errors.last()
	}
	p.f.s.cfg.Log.Warn("function did not start", "function", p.f.Name, "error", err, "stderr", said)
}

// serve waits for the end of a process that is ready: its own, or because nobody used it for long.
func (p *process) serve() {
	f := p.f
	idle := time.NewTimer(f.s.cfg.Idle)
	defer idle.Stop()
	stopping := f.s.stopping
	for {
		select {
		case <-p.exited:
			err := fmt.Errorf("it ended unasked: %w", p.exitError())
			f.s.cfg.Log.Warn("function ended unasked", "function", f.Name, "pid", p.pid, "error", p.exitError(), "stderr", p.errors.last())
			f.lost(p, err)
			return
		case <-p.renewed:
			f.s.cfg.Log.Info("function is renewed", "function", f.Name, "pid", p.pid)
			p.finish()
			p.end()
			return
		case <-idle.C:
		case <-stopping:
			stopping = nil // every function is fenced by then
			idle.Reset(0)
			continue
		}
		retired, rest := f.retire(p)
		if retired {
			f.s.cfg.Log.Info("function goes to sleep", "function", f.Name, "pid", p.pid)
			p.end()
			return
		}
		idle.Reset(rest)
	}
}

// finish lets a process that gets no more requests have the time for those that it has: a server that is told to end may refuse what it has not read yet.
func (p *process) finish() {
	grace := time.NewTimer(p.f.s.cfg.Grace)
	defer grace.Stop()
	select {
	case <-p.quiet:
	case <-p.exited:
	case <-p.f.s.stopping:
	case <-grace.C:
	}
}

// end ends the process: SIGTERM, and SIGKILL when its time is over.
func (p *process) end() {
	defer p.f.drained()
	p.transport.CloseIdleConnections() // or the process waits for them
	// It may have ended meanwhile.
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	grace := time.NewTimer(p.f.s.cfg.Grace)
	defer grace.Stop()
	select {
	case <-p.exited:
	case <-grace.C:
		p.f.s.cfg.Log.Warn("function did not end, it is killed", "function", p.f.Name, "pid", p.pid, "grace", p.f.s.cfg.Grace)
		kill(p.cmd)
		<-p.exited
	}
}
