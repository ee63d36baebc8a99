package nats

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/dubbofn/dubbofn/internal/eventurl"
	"github.com/dubbofn/dubbofn/invoker"
)

const (
	defaultPort = 4222
	// reconnectWait is the pause between two rounds of the servers; the client adds up to a tenth of a second.
	reconnectWait = 500 * time.Millisecond
)

// connection reads what of a URL says how to connect: hosts, user, password, token, creds, and TLS.
func connection(s *eventurl.Settings, u invoker.URL, name string, log *slog.Logger) (servers string, options []client.Option) {
	scheme := "nats://"
	options = []client.Option{
		client.Name(name), client.MaxReconnects(-1), client.ReconnectWait(reconnectWait), client.RetryOnFailedConnect(true),
		client.IgnoreAuthErrorAbort(), // a password that is being renewed ends no function
		client.DisconnectErrHandler(func(_ *client.Conn, err error) {
			if err != nil {
				log.Warn("nats: disconnected", "server", u.Address(), "error", err)
			}
		}),
		client.ReconnectHandler(func(c *client.Conn) { log.Info("nats: connected", "server", c.ConnectedAddr()) }),
		client.ErrorHandler(func(_ *client.Conn, _ *client.Subscription, err error) {
			log.Warn("nats: the server reports", "error", err)
		}),
	}
	if u.Host == "" {
		s.Fault("no host: want nats://host:4222/…")
	}
	if u.User != "" {
		options = append(options, client.UserInfo(u.User, u.Password))
	}
	if t := s.Text("token", ""); t != "" {
		options = append(options, client.Token(t))
	}
	if file := s.Text("creds", ""); file != "" {
		options = append(options, client.UserCredentials(file))
	}
	if t := s.TLS(log); t != nil {
		options, scheme = append(options, client.Secure(t)), "tls://"
	}
	addresses := u.Addresses(defaultPort)
	for i, a := range addresses {
		addresses[i] = scheme + a
	}
	return strings.Join(addresses, ","), options
}

// dial connects, or leaves it to the client to go on trying. The error says that trying makes no sense.
func dial(servers string, options []client.Option) (*client.Conn, error) {
	c, err := client.Connect(servers, options...)
	if err != nil {
		return nil, fmt.Errorf("nats: connect to %s: %w", servers, err)
	}
	return c, nil
}

// away tells whether an error is the connection's, or the server's word that it can't say now.
func away(err error) bool {
	for _, e := range []error{
		client.ErrTimeout, client.ErrDisconnected, client.ErrConnectionClosed, client.ErrConnectionReconnecting, client.ErrNoServers, client.ErrNoResponders,
		client.ErrReconnectBufExceeded, context.DeadlineExceeded,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	var word *jetstream.APIError // of a cluster without a leader, say
	return errors.As(err, &word) && word.Code == http.StatusServiceUnavailable
}
