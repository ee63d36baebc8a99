package dubbo

import (
	"context"
	"fmt"
	"time"
)

// Drain ends the server without a call failing, as far as consumers play their part: it tells every one of them to turn
// elsewhere (READONLY; Java: HeaderExchangeServer.close), goes on answering what still arrives, and closes listeners and
// connections once no call is in flight and none has arrived for ServerConfig.Quiet. Serve then returns nil. When ctx ends
// first, connections are cut and the error says how many calls were. Calling it again waits for the same end.
func (s *Server) Drain(ctx context.Context) error {
	s.mu.Lock()
	if !s.draining {
		s.draining = true
		told := make(chan struct{}, 1)
		s.drained.Store(&told)
		s.arrived.Store(time.Now().UnixNano()) // consumers get at least one quiet period to hear of it
	}
	var all []*serving
	for sv := range s.serving {
		all = append(all, sv)
		sv.mu.Lock()
		for c := range sv.conns {
			c.readonly()
		}
		sv.mu.Unlock()
	}
	s.mu.Unlock()

	err := s.quiet(ctx)
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	for _, sv := range all {
		if err != nil {
			sv.stop()
		} else {
			sv.finish()
		}
	}
	return err
}

// quiet waits until nothing runs and nothing has come in for a while.
func (s *Server) quiet(ctx context.Context) error {
	told := *s.drained.Load()
	for {
		running := s.inFlight.Load()
		left := s.cfg.Quiet - time.Duration(time.Now().UnixNano()-s.arrived.Load())
		if running == 0 && left <= 0 {
			return nil
		}
		var quiet <-chan time.Time
		if running == 0 {
			quiet = time.After(left)
		}
		select {
		case <-told:
		case <-quiet:
		case <-ctx.Done():
			if running = s.inFlight.Load(); running == 0 {
				return nil // consumers that take no notice go on calling, but none waits for an answer now
			}
			return fmt.Errorf("drain dubbo: %w with %d calls in flight", context.Cause(ctx), running)
		}
	}
}
