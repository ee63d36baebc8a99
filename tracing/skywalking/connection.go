package skywalking

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// client is what goapi's clients are made of.
type client = grpc.ClientConnInterface

// keyToken is the header of the token (agent.authentication of the Java agent: AuthenticationDecorator, 9.4.0).
const keyToken = "Authentication"

func (r *Reporter) signed(ctx context.Context) context.Context {
	if r.token == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, keyToken, r.token)
}

// connection is the one to a server, made when it is first needed. Of several servers the next is taken when one fails.
type connection struct {
	addresses []string
	secure    *tls.Config // nil: plain

	mu     sync.Mutex
	conn   *grpc.ClientConn
	at     int // in addresses
	closed bool
}

// with calls do with the connection.
func (c *connection) with(do func(client) error) error {
	conn, err := c.get()
	if err != nil {
		return err
	}
	if err = do(conn); err == nil {
		return nil
	}
	switch code := status.Code(err); {
	case code == codes.DeadlineExceeded, code == codes.Unavailable && len(c.addresses) > 1:
		// A connection on which nothing comes back may be dead without either end knowing; and another server may be up.
		c.drop(conn)
	}
	return err
}

func (c *connection) get() (*grpc.ClientConn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, status.Error(codes.Canceled, "closed")
	}
	if c.conn != nil {
		return c.conn, nil
	}
	secure := insecure.NewCredentials()
	if c.secure != nil {
		secure = credentials.NewTLS(c.secure)
	}
	address := c.addresses[c.at%len(c.addresses)]
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(secure), grpc.WithDisableServiceConfig(),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 200 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 3 * time.Second},
			MinConnectTimeout: 3 * time.Second,
		}),
		// Servers allow a ping every 5 minutes. What matters is the timeout: gRPC sets TCP_USER_TIMEOUT to it.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 5 * time.Minute, Timeout: 20 * time.Second}))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	c.conn = conn
	return conn, nil
}

// drop has the next use connect anew.
func (c *connection) drop(conn *grpc.ClientConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == conn {
		c.conn = nil
		c.at++
		_ = conn.Close() // of one that is given up
	}
}

// hurry has a connection that waits to be tried again be tried now.
func (c *connection) hurry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		c.conn.ResetConnectBackoff()
	}
}

func (c *connection) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.conn == nil {
		return nil
	}
	conn := c.conn
	c.conn = nil
	return conn.Close()
}
