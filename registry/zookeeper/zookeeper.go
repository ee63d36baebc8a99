// Package zookeeper registers and finds providers in ZooKeeper, as Dubbo Java 2.7.23 and 3.3.6 do with Curator, and follows
// governance rules there.
package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/dubbofn/dubbofn/registry"
)

// Registry is the adapter for "zookeeper" URLs: zookeeper://[user:password@]host[:2181][,host2…]?group=…&session=….
//
// Parameters: group (the root of everything but application-level instances; default dubbo), services (the root of those; default
// services), session (how long the server waits for a process that fell silent before it drops its instances, in milliseconds;
// default 30000; the server has bounds of its own). With a user, nodes are made for that user alone, as Dubbo Java makes them.
const Registry = adapter("zookeeper")

type adapter string

const (
	defaultPort    = 2181
	defaultSession = 30 * time.Second

	// maxPacketBytes bounds one answer of the server: the names of some 40,000 providers at interface level.
	maxPacketBytes = 32 << 20
)

// Name gives "zookeeper".
func (a adapter) Name() string { return string(a) }

// Open connects and waits for a session.
func (a adapter) Open(ctx context.Context, c registry.Config) (registry.Registry, error) {
	s, err := read(string(a), c)
	if err != nil {
		return nil, fmt.Errorf("open zookeeper: %w", err)
	}
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r, err := newCenter(ctx, s, log)
	if err != nil {
		return nil, fmt.Errorf("open zookeeper: %w", err)
	}
	return r, nil
}

// settings are a Config that was checked.
type settings struct {
	servers  []string
	root     string // "/dubbo"
	services string // "/services"
	session  time.Duration
	user     string
	password string
}

// acl is what new nodes allow.
func (s settings) acl() []zk.ACL {
	if s.user != "" {
		return zk.AuthACL(zk.PermAll)
	}
	return zk.WorldACL(zk.PermAll)
}

// read reports all faults at once.
func read(scheme string, c registry.Config) (settings, error) {
	s := settings{root: "/dubbo", services: "/services", session: defaultSession, user: c.User, password: c.Password}
	var errs []error
	if c.Scheme != "" && c.Scheme != scheme {
		errs = append(errs, fmt.Errorf("scheme %q is not %q", c.Scheme, scheme))
	}
	for key, root := range map[string]*string{"group": &s.root, "services": &s.services} {
		v := strings.Trim(c.Params[key], "/")
		if v == "" {
			continue
		}
		if strings.Contains(v, "//") || strings.ContainsAny(v, " \x00") {
			errs = append(errs, fmt.Errorf("%s %q is not a path", key, v))
		}
		*root = "/" + v
	}
	if s.user == "" {
		s.user, s.password = c.Params["username"], c.Params["password"]
	}
	if t := c.Params["session"]; t != "" {
		ms, err := strconv.Atoi(t)
		if err != nil || ms < 1000 || ms > 600000 {
			errs = append(errs, fmt.Errorf("session %q is not in 1000 to 600000 milliseconds", t))
		}
		s.session = time.Duration(ms) * time.Millisecond
	}
	if len(c.Addresses) == 0 {
		errs = append(errs, errors.New("no address: want zookeeper://host:2181"))
	}
	for _, a := range c.Addresses {
		host, port := strings.Trim(a, "[]"), "0"
		if h, p, err := net.SplitHostPort(a); err == nil {
			host, port = h, p
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if host == "" || err != nil {
			errs = append(errs, fmt.Errorf("address %q is not host:port", a))
			continue
		}
		if n == 0 {
			n = defaultPort
		}
		s.servers = append(s.servers, net.JoinHostPort(host, strconv.FormatUint(n, 10)))
	}
	return s, errors.Join(errs...)
}

// zkLog passes what the client library logs on for debugging.
type zkLog struct{ log *slog.Logger }

// Printf implements zk.Logger.
func (l zkLog) Printf(format string, args ...any) {
	l.log.Debug("zookeeper: " + strings.TrimSpace(fmt.Sprintf(format, args...)))
}
