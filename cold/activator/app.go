package activator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/metadataservice"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/registry"
	"github.com/dubbofn/dubbofn/tracing"
)

const (
	// defaultTimeout is for methods that publish none; it is fn's own default.
	defaultTimeout = 10 * time.Second
	// defaultPlatformTimeout is Knative's timeoutSeconds.
	defaultPlatformTimeout = 300 * time.Second
	// maxManifestBytes bounds what is read: an annotation, or a file.
	maxManifestBytes = 4 << 20
)

// app is a [Function] that makes sense, with everything that serving it takes. Nothing of it changes.
type app struct {
	Function
	source      Function // as the source gave it
	metadata    registry.Metadata
	definitions map[string]json.RawMessage
	services    []*service
	secure      bool                          // TLS towards the function
	address     string                        // "host:port"
	peer        string                        // the same, of the function alone: address may be a gateway's
	timeout     time.Duration                 // the platform's
	template    *http.Request                 // of a POST, without a body
	own         func() (*dubbo.Server, error) // answers MetadataService; few ask for it
}

// service is one service of an app, as far as passing its calls on takes.
type service struct {
	key     invoker.ServiceKey
	timeout time.Duration // the longest of its methods': for generic calls, whose method is an argument
	methods map[string][]method

	generic, other string // the names of spans of $invoke, and of what is no method
}

type method struct {
	descriptor string
	span       string
	timeout    time.Duration
	idempotent bool
}

// timeoutOf gives what is published for a method. It allocates nothing.
func (s *service) timeoutOf(name, descriptor []byte) time.Duration {
	all := s.methods[string(name)]
	if len(all) == 0 {
		return s.timeout
	}
	longest := time.Duration(0)
	for i := range all {
		if string(descriptor) == all[i].descriptor {
			return all[i].timeout
		}
		longest = max(longest, all[i].timeout)
	}
	return longest
}

// idempotent tells whether a method may run twice: of overloads that can't be told apart, only if all may. It allocates nothing.
func (s *service) idempotent(name, descriptor []byte) bool {
	all := s.methods[string(name)]
	for i := range all {
		if string(descriptor) == all[i].descriptor {
			return all[i].idempotent
		}
	}
	for i := range all {
		if !all[i].idempotent {
			return false
		}
	}
	return len(all) > 0
}

// newApp checks a function. The error joins every fault.
func newApp(f Function, c *Config) (*app, error) {
	if f.Fault != nil {
		return nil, f.Fault
	}
	a := &app{Function: f, source: f, timeout: time.Duration(f.TimeoutSeconds) * time.Second}
	if a.timeout <= 0 {
		a.timeout = defaultPlatformTimeout
	}
	if a.Token == "" {
		a.Token = c.Token
	}
	m, err := a.readManifest()
	faults := []error{err, a.readURL()}
	if err == nil {
		a.metadata = metadataservice.Metadata(m)
		a.definitions = m.Definitions()
		faults = append(faults, a.check(m, c))
	}
	if f.Concurrency < 0 {
		faults = append(faults, fmt.Errorf("concurrency %d: want 0 (no limit) or more", f.Concurrency))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	a.own = sync.OnceValues(func() (*dubbo.Server, error) {
		set, err := fn.NewSet(a.App, metadataservice.New(a.metadata, a.definitions))
		if err != nil {
			return nil, err
		}
		set.Logger(c.Log)
		return dubbo.NewServer(set, dubbo.ServerConfig{Types: set.Types(), Log: c.Log, Budget: c.Server.Budget, MaxBytes: c.Server.MaxBytes}), nil
	})
	return a, nil
}

func (a *app) readManifest() (m fn.Manifest, err error) {
	if len(a.Manifest) > maxManifestBytes {
		return m, fmt.Errorf("manifest: %d bytes (limit %d)", len(a.Manifest), maxManifestBytes)
	}
	if len(bytes.TrimSpace(a.Manifest)) == 0 || string(a.Manifest) == "null" {
		return m, errors.New("manifest: there is none; a function prints its own with DUBBOFN_DESCRIBE=1")
	}
	var read struct {
		Revision string `json:"revision"`
		fn.Manifest
	}
	if err := json.Unmarshal(a.Manifest, &read); err != nil {
		return m, fmt.Errorf("manifest: %w", err)
	}
	m = read.Manifest
	if a.App == "" {
		a.App = m.App
	}
	if read.Revision != "" && m.App != "" {
		if ours := metadataservice.Metadata(m).Revision(); ours != read.Revision {
			return m, fmt.Errorf("manifest: it states revision %q, its content has %q: it was changed, or is of another version of dubbofn", read.Revision, ours)
		}
	}
	if m.App != a.App {
		return m, fmt.Errorf("manifest: it is of application %q, the function of %q", m.App, a.App)
	}
	if len(m.Services) == 0 {
		return m, errors.New("manifest: no service is in it")
	}
	return m, nil
}

// check makes the services and looks whether consumers could be told of them.
func (a *app) check(m fn.Manifest, c *Config) error {
	if c.ServerTLS != nil {
		for i := range a.metadata.Services {
			a.metadata.Services[i].Params["ssl-enabled"] = "true" // it is the activator that consumers connect to (Java: Constants.SSL_ENABLED_KEY, 3.3.6)
		}
	}
	for i := range m.Services {
		info := &m.Services[i]
		if info.Interface == metadataservice.Interface {
			return fmt.Errorf("manifest: %s is answered by the activator itself", info.Interface)
		}
		s := &service{key: invoker.ServiceKey{Interface: info.Interface, Version: info.Version, Group: info.Group}, methods: map[string][]method{}}
		s.generic = tracing.EndpointOf(s.key, "$invoke", "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;")
		s.other = tracing.EndpointOf(s.key, "unknown", "")
		for _, mi := range info.Methods {
			t := time.Duration(max(mi.Timeout, 0)) * time.Millisecond
			if t == 0 || t > 24*time.Hour {
				t = defaultTimeout
			}
			s.timeout = max(s.timeout, t)
			s.methods[mi.Name] = append(s.methods[mi.Name], method{mi.Descriptor, tracing.EndpointOf(s.key, mi.Name, mi.Descriptor), t, mi.Idempotent})
		}
		if s.timeout == 0 {
			s.timeout = defaultTimeout
		}
		a.services = append(a.services, s)
	}
	return a.registration("localhost", 1).Validate()
}

func (a *app) readURL() error {
	u, err := url.Parse(a.URL)
	switch {
	case err != nil:
		return fmt.Errorf("URL: %w", err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return fmt.Errorf("URL %q: want http://host[:port] or https://host[:port]", a.URL)
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil:
		return fmt.Errorf("URL %q: want neither a path, nor a query, nor a user", a.URL)
	case strings.ContainsAny(a.Host, " /\t\r\n"):
		return fmt.Errorf("host %q: want a name", a.Host)
	}
	a.secure = u.Scheme == "https"
	port := u.Port()
	if port == "" {
		port = map[bool]string{false: "80", true: "443"}[a.secure]
	}
	a.address = net.JoinHostPort(u.Hostname(), port)
	if a.peer = a.address; a.Host != "" {
		a.peer = a.Host
		if _, _, err := net.SplitHostPort(a.Host); err != nil {
			a.peer = net.JoinHostPort(a.Host, port)
		}
	}
	post := &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/dubbo"}
	a.template = &http.Request{
		Method: http.MethodPost, URL: post, Host: a.Host, Proto: "HTTP/2.0", ProtoMajor: 2,
	}
	return nil
}

// registration is what is written for the app where it is reached at host and port.
func (a *app) registration(host string, port int) registry.Registration {
	return registry.Registration{
		Instance:    registry.Instance{App: a.App, Host: host, Port: port},
		Metadata:    a.metadata,
		Levels:      registry.AppLevel | registry.InterfaceLevel,
		Definitions: a.definitions,
	}
}
