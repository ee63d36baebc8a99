package supervise

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Supervisor stands in front of functions. Safe for concurrent use.
type Supervisor struct {
	cfg       Config
	functions []*function
	byHost    map[string]*function
	spawner   *spawner
	running   sync.WaitGroup // of goroutines that look after a process
	stopping  chan struct{}  // closed once every function is fenced
}

// New checks everything and opens nothing. The error joins every fault.
func New(cfg Config, functions ...Function) (*Supervisor, error) {
	faults := []error{cfg.Validate()}
	s := &Supervisor{cfg: cfg.withDefaults(), byHost: map[string]*function{}, stopping: make(chan struct{})}
	if len(functions) == 0 {
		faults = append(faults, errors.New("no functions"))
	}
	width := 0
	for _, f := range functions {
		width = max(width, len(f.Name))
	}
	out := &printer{out: s.cfg.Output}
	for i, f := range functions {
		if f.Host == "" {
			f.Host = f.Name + ".local"
		}
		host := strings.ToLower(f.Host)
		switch {
		case f.Name == "" || f.Path == "":
			faults = append(faults, fmt.Errorf("function %d: name %q, path %q: want both", i+1, f.Name, f.Path))
		case s.byHost[host] != nil:
			faults = append(faults, fmt.Errorf("functions %s and %s have the same host %q", s.byHost[host].Name, f.Name, f.Host))
		}
		made := &function{Function: f, s: s, out: out, prefix: prefix(f.Name, width, i, cfg.Colour), phase: Asleep}
		made.proxy = made.newProxy()
		s.byHost[host] = made
		s.functions = append(s.functions, made)
	}
	return s, errors.Join(faults...)
}

// flushTimeout is how long the last answers may take once every process has ended.
const flushTimeout = time.Second

// Run serves until ctx ends, then ends all processes; it returns when none is left. It may be called once.
func (s *Supervisor) Run(ctx context.Context) error {
	s.spawner = newSpawner()
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{
		Handler: s, Protocols: &protocols, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10,
		// As many as may wait: who knocks for many functions has one connection for all.
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: maxWaiting},
		ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(s.cfg.Listener) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-ended:
		ended <- err
	}
	for _, f := range s.functions {
		f.fence()
	}
	close(s.stopping)
	s.running.Wait()
	s.spawner.close()
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	if server.Shutdown(flush) != nil {
		_ = server.Close() // whoever has not read an answer by now does not want it
	}
	if err = <-ended; errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve functions: %w", err)
}

// Renew says that another program is at a function's path: its next request starts that, with the K_REVISION that [Revision] gives for one renewal
// more. The process that takes requests now, if there is one, finishes those that it has and ends; what waits for one that is starting waits for the
// next.
func (s *Supervisor) Renew(name string) error {
	for _, f := range s.functions {
		if f.Name == name {
			f.renew()
			return nil
		}
	}
	return fmt.Errorf("renew %q: there is no such function", name)
}

// States gives what each function is doing, in the order given to New.
func (s *Supervisor) States() []State {
	states := make([]State, len(s.functions))
	for i, f := range s.functions {
		f.mu.Lock()
		states[i] = f.state()
		f.mu.Unlock()
	}
	return states
}

// ServeHTTP passes a request to the function that its Host header names.
func (s *Supervisor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	f := s.byHost[strings.ToLower(host)]
	if f == nil {
		http.Error(w, fmt.Sprintf("no function has the host %.100q; there are %s", r.Host, strings.Join(s.hosts(), ", ")), http.StatusNotFound)
		return
	}
	f.proxy.ServeHTTP(w, r)
}

func (s *Supervisor) hosts() (all []string) {
	for _, f := range s.functions {
		all = append(all, f.Host)
	}
	slices.Sort(all)
	return all
}
