package client

import (
	"context"
	"fmt"
)

// Background lets the reference be made at once, without a word from the registries: it connects meanwhile, and the first call waits for
// that. So a process may begin to serve while it is connecting, and a client that is a part of a function (serve.Outbound) begins
// with what the last process knew. Faults of the registries are those of the calls then.
func Background() Option { return func(r *reference) { r.background = true } }

// referLater connects in the background.
func (c *Client) referLater(ctx context.Context, s *Service) (*Service, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	closing := context.AfterFunc(c.ctx, stop)
	s.stop = func() { closing(); stop() }
	c.references[s] = struct{}{}
	c.trying.Go(func() {
		defer close(s.connected)
		if err := s.connect(ctx); err != nil && ctx.Err() == nil {
			s.fault = fmt.Errorf("refer to %s: %w", s.ref.key, err)
			c.log.Error("client: a reference can't be used", "service", s.ref.key, "error", err)
		} else if err != nil {
			s.fault = fmt.Errorf("refer to %s: %w", s.ref.key, errClosed)
		}
	})
	return s, nil
}

// wait waits until the reference is connected.
func (s *Service) wait(ctx context.Context) error {
	select {
	case <-s.connected:
		return s.fault
	default:
	}
	select {
	case <-s.connected:
		return s.fault
	case <-ctx.Done():
		return fmt.Errorf("the reference to %s is not connected yet: %w", s.ref.key, context.Cause(ctx))
	}
}

// isConnected tells whether it is connected by now.
func (s *Service) isConnected() bool {
	select {
	case <-s.connected:
		return s.fault == nil
	default:
		return false
	}
}
