package nacos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/common/logger"
	"github.com/nacos-group/nacos-sdk-go/v2/common/security"
	"github.com/nacos-group/nacos-sdk-go/v2/util"

	"github.com/dubbofn/dubbofn/registry"
)

// Registry is the adapter for "nacos" URLs: nacos://[user:password@]host[:8848][,host2…]?namespace=…&group=….
//
// Parameters: namespace (its id; default the public one), group (of instances; default DEFAULT_GROUP), username and password
// (where the URL's own are not used), timeout (of one request, in milliseconds; default 5000). The gRPC port is the port + 1000,
// as everywhere in Nacos 2. Connections are plain.
const Registry = adapter("nacos")

type adapter string

const (
	defaultPort    = 8848
	defaultTimeout = 5 * time.Second

	// maxInstanceChars is the limit of Nacos 2.3 and later on an instance's metadata, keys and values together.
	maxInstanceChars = 1024
)

// Name gives "nacos".
func (a adapter) Name() string { return string(a) }

// Open logs in and connects. It gives a *[registry.Refusal] when the credentials are refused.
func (a adapter) Open(ctx context.Context, c registry.Config) (registry.Registry, error) {
	s, err := read(string(a), c)
	if err != nil {
		return nil, fmt.Errorf("open nacos: %w", err)
	}
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	logger.SetLogger(sdkLog{log}) // the SDK has one for the whole process
	localIP()
	http := newAgent()
	if err := s.login(ctx, http); err != nil {
		http.close()
		return nil, fmt.Errorf("open nacos: %w", err)
	}
	r, err := newCenter(ctx, s, http, log)
	if err != nil {
		http.close()
		return nil, fmt.Errorf("open nacos: %w", err)
	}
	return r, nil
}

// localIP makes the SDK find its own address before anything runs at once: it keeps it in a variable without a lock.
var localIP = sync.OnceValue(util.LocalIP)

// settings are a Config that was checked.
type settings struct {
	servers   []constant.ServerConfig
	namespace string // "" is the public one
	group     string
	user      string
	password  string
	timeout   time.Duration
	check     time.Duration // how often what is quiet is looked after
}

// read reports all faults at once.
func read(scheme string, c registry.Config) (settings, error) {
	s := settings{namespace: c.Params["namespace"], group: c.Params["group"], user: c.User, password: c.Password, timeout: defaultTimeout, check: checkEvery}
	var errs []error
	if c.Scheme != "" && c.Scheme != scheme {
		errs = append(errs, fmt.Errorf("scheme %q is not %q", c.Scheme, scheme))
	}
	if s.namespace == constant.DEFAULT_NAMESPACE_ID {
		s.namespace = "" // its other name, which the config service does not know
	}
	if s.group == "" {
		s.group = constant.DEFAULT_GROUP
	}
	if s.user == "" {
		s.user, s.password = c.Params["username"], c.Params["password"]
	}
	if t := c.Params["timeout"]; t != "" {
		ms, err := strconv.Atoi(t)
		if err != nil || ms < 1 || ms > 600000 {
			errs = append(errs, fmt.Errorf("timeout %q is not in 1 to 600000 milliseconds", t))
		}
		s.timeout = time.Duration(ms) * time.Millisecond
	}
	if len(c.Addresses) == 0 {
		errs = append(errs, errors.New("no address: want nacos://host:8848"))
	}
	for _, a := range c.Addresses {
		server, err := serverOf(a)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.servers = append(s.servers, server)
	}
	return s, errors.Join(errs...)
}

func serverOf(address string) (constant.ServerConfig, error) {
	host, port := strings.Trim(address, "[]"), "0"
	if h, p, err := net.SplitHostPort(address); err == nil {
		host, port = h, p
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if host == "" || err != nil || n > 65535-constant.RpcPortOffset {
		return constant.ServerConfig{}, fmt.Errorf("address %q is not host:port with a port up to %d", address, 65535-constant.RpcPortOffset)
	}
	if n == 0 {
		n = defaultPort
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	server := constant.NewServerConfig(host, n)
	server.GrpcPort = n + constant.RpcPortOffset
	return *server, nil
}

func (s settings) client() constant.ClientConfig {
	return constant.ClientConfig{
		TimeoutMs:   uint64(s.timeout.Milliseconds()),
		NamespaceId: s.namespace,
		Username:    s.user,
		Password:    s.password,
		TLSCfg:      constant.TLSConfig{Appointed: true}, // else the SDK reads the environment
	}
}

// login tries the credentials once, because the SDK's own login only logs a failure.
func (s settings) login(ctx context.Context, http agent) error {
	if s.user == "" {
		return nil
	}
	done := make(chan error, 1)
	go func() { // ends with the HTTP requests, each within the timeout
		_, err := security.NewNacosAuthClient(s.client(), s.servers, http).Login()
		done <- err
	}()
	select {
	case <-ctx.Done():
		return fmt.Errorf("log in as %q: %w", s.user, ctx.Err())
	case err := <-done:
		if err == nil {
			return nil
		}
		var op *net.OpError
		var transport *url.Error
		if errors.As(err, &op) || errors.As(err, &transport) && transport.Timeout() {
			return fmt.Errorf("log in as %q: %w: %s", s.user, registry.ErrUnreachable, oneLine(err.Error()))
		}
		// Everything else was the server's answer. Nacos 2.3's own login gives a wrong password no proper status line.
		return &registry.Refusal{What: fmt.Sprintf("login as %q", s.user), Reason: oneLine(err.Error())}
	}
}

// oneLine makes a server's words fit for an error's text.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 300 {
		s = s[:300] + "…"
	}
	if s == "" {
		s = "no reason given"
	}
	return s
}

// sdkLog passes what the SDK logs on to slog. Its errors are our warnings, for what matters reaches callers as an error; a
// request that failed is not logged at all, because the line would hold the request, tokens in metadata included.
type sdkLog struct{ log *slog.Logger }

func (l sdkLog) Debug(...any)          {}
func (l sdkLog) Debugf(string, ...any) {}
func (l sdkLog) Info(...any)           {}
func (l sdkLog) Infof(string, ...any)  {}

// Warn passes on for debugging.
func (l sdkLog) Warn(args ...any) { l.log.Debug("nacos: " + oneLine(fmt.Sprint(args...))) }

// Warnf passes on for debugging.
func (l sdkLog) Warnf(format string, args ...any) {
	l.log.Debug("nacos: " + oneLine(fmt.Sprintf(format, args...)))
}

// Error passes on as a warning.
func (l sdkLog) Error(args ...any) { l.log.Warn("nacos: " + oneLine(fmt.Sprint(args...))) }

// Errorf passes on as a warning.
func (l sdkLog) Errorf(format string, args ...any) {
	if strings.HasPrefix(format, "Send request fail") || strings.HasPrefix(format, "api<") || strings.HasPrefix(format, "[ERROR] api<") {
		return
	}
	l.log.Warn("nacos: " + oneLine(fmt.Sprintf(format, args...)))
}
