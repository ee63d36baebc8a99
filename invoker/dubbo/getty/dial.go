package getty

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	getty "github.com/apache/dubbo-getty"
)

// DialTimeout bounds a Dial whose context has no deadline. The library itself never gives up.
const DialTimeout = 3 * time.Second

// reconnectKey is the attribute by which a session makes its client connect again ("session-client-owner" in client.go). The
// library would do so before it tells that the session has ended.
const reconnectKey = "session-client-owner"

// Dial connects to a TCP address, "host:port".
func Dial(ctx context.Context, address string) (net.Conn, error) {
	return dial(ctx, "dial getty "+address, false, func() getty.Client {
		return getty.NewTCPClient(getty.WithServerAddress(address), getty.WithConnectionNumber(1), getty.WithReconnectInterval(1), getty.WithClientTaskPool(noTasks()))
	})
}

// DialWebSocket connects to a WebSocket URL, "ws://host:port/path".
func DialWebSocket(ctx context.Context, url string) (net.Conn, error) {
	if !strings.HasPrefix(url, "ws://") {
		return nil, fmt.Errorf("dial getty %s: want ws://host:port/path", url)
	}
	return dial(ctx, "dial getty "+url, true, func() getty.Client {
		return getty.NewWSClient(getty.WithServerAddress(url), getty.WithConnectionNumber(1), getty.WithReconnectInterval(1), getty.WithClientTaskPool(noTasks()))
	})
}

func dial(ctx context.Context, op string, webSocket bool, newClient func() getty.Client) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, DialTimeout)
	defer cancel()
	client := newClient()
	streams := make(chan *stream, 1)
	go func() {
		// It ends when the session is there, or soon after the client was closed.
		var s *stream
		client.RunEventLoop(func(session getty.Session) error {
			if s != nil || ctx.Err() != nil {
				client.Close()
				return net.ErrClosed
			}
			var m *messages
			if webSocket {
				m = &messages{client: true}
			}
			s = attach(session, m, func(*stream) error { return nil }, client.Close)
			return nil
		})
		if s != nil && !s.settle(client) {
			s = nil
		}
		streams <- s
	}()
	select {
	case s := <-streams:
		if s == nil {
			return nil, fmt.Errorf("%s: the connection ended at once", op)
		}
		return s, nil
	case <-ctx.Done():
		client.Close()
		go func() {
			if s := <-streams; s != nil {
				_ = s.Close()
			}
		}()
		return nil, fmt.Errorf("%s: %w: %w", op, errTimeout, context.Cause(ctx))
	}
}

// settle keeps the session from connecting again when it ends, and tells whether it lives.
func (s *stream) settle(client getty.Client) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session.RemoveAttribute(reconnectKey)
	if s.gone || s.session.IsClosed() {
		client.Close() // it may be connecting again already
		return false
	}
	return true
}
