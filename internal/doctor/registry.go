package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
)

const (
	openTimeout = 6 * time.Second // a server that is there answers within a fraction; the SDK of Nacos tries three times
	dialTimeout = 2 * time.Second
	askTimeout  = 4 * time.Second
)

// open connects, and reads something that need not be there: only then does Nacos say whether the credentials will do.
func (x *examination) open(ctx context.Context) error {
	u := x.url
	reg, err := x.connect(ctx, u)
	if err != nil {
		return err
	}
	if reg == nil {
		return nil
	}
	meta := reg
	if x.cfg.MetadataCenter != "" {
		m, err := invoker.ParseURL(x.cfg.MetadataCenter)
		if err != nil {
			return err
		}
		if meta, err = x.connect(ctx, m); err != nil || meta == nil {
			return err
		}
	}
	instance, ok := reg.(registry.Lookup)
	center, also := meta.(registry.Lookup)
	if !ok || !also {
		return fmt.Errorf("doctor: registry %s can't be asked", u)
	}
	x.place, x.instance, x.center = meta, instance, center
	return nil
}

// connect opens one registry and says how it went. It is nil without an error where a finding says why.
func (x *examination) connect(ctx context.Context, u invoker.URL) (registry.Registry, error) {
	var adapter registry.Adapter = registry.Embedded
	for _, a := range x.cfg.Adapters {
		if a.Name() == u.Protocol {
			adapter = a
		}
	}
	if adapter.Name() != u.Protocol {
		return nil, fmt.Errorf("doctor: registry %q: there is no adapter for %q", u.String(), u.Protocol)
	}
	begin := time.Now()
	opening, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	reg, err := adapter.Open(opening, configOf(u, x.cfg))
	opened := err == nil
	if opened {
		x.opened = append(x.opened, reg)
		if l, ok := reg.(registry.Lookup); ok {
			_, err = l.Apps(opening, probe(x.cfg.Services))
		}
	}
	var refused *registry.Refusal
	switch {
	case err == nil:
		f := Finding{Check: "registry", State: OK, Title: fmt.Sprintf("%s answers, after %s", shown(u), time.Since(begin).Round(time.Millisecond))}
		if u.Protocol == "nacos" {
			f.Why = fmt.Sprintf("namespace %s, group %s", namespaceOf(u), groupOf(u))
			if user(u) != "" {
				f.Why += fmt.Sprintf(", as user %q", user(u))
			}
		}
		x.add(f)
		return reg, nil
	case errors.As(err, &refused):
		x.add(refusedBy(u, refused))
	case opened, errors.Is(err, registry.ErrUnreachable), errors.Is(err, context.DeadlineExceeded):
		x.add(unreachable(ctx, u, err))
	default:
		return nil, fmt.Errorf("doctor: %w", err)
	}
	return nil, nil //nolint:nilnil // the finding says it
}

// probe is an interface to ask for: the consumer's own, else one that nobody maps.
func probe(services []string) string {
	for _, s := range services {
		if k, err := invoker.ParseServiceKey(s); err == nil {
			return k.Interface
		}
	}
	return "org.apache.dubbo.metadata.MetadataService"
}

func configOf(u invoker.URL, c Config) registry.Config {
	r := registry.Config{Scheme: u.Protocol, Path: u.Path, User: u.User, Password: u.Password, Params: u.Params, Log: c.Log}
	if u.Host != "" {
		r.Addresses = u.Addresses(0)
	}
	return r
}

func refusedBy(u invoker.URL, r *registry.Refusal) Finding {
	f := Finding{Check: "registry", State: Bad, Title: shown(u) + " refuses this consumer: wrong user or password, or no right to read", Why: r.Error(), Restart: "consumer"}
	if user(u) == "" {
		f.Title = shown(u) + " wants a user and a password"
	}
	u.User, u.Password = "${NACOS_USER:?who may read there}", "${NACOS_PASSWORD:?the password}"
	f.Mend = "export DUBBOFN_REGISTRY=" + urlText(u)
	f.Why += "; in Java: dubbo.registry.username and dubbo.registry.password"
	return f
}

// unreachable says which of a registry's ports do not answer.
func unreachable(ctx context.Context, u invoker.URL, why error) Finding {
	f := Finding{Check: "registry", State: Bad, Title: shown(u) + " does not answer", Why: why.Error()}
	def, further := 8848, 1000
	if u.Protocol != "nacos" {
		def, further = 2181, 0
	}
	for _, address := range u.Addresses(def) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			continue
		}
		n, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
		if err != nil {
			continue
		}
		first := reach(ctx, address)
		second := first
		if further > 0 {
			second = reach(ctx, net.JoinHostPort(host, fmt.Sprint(n+further)))
		}
		switch {
		case first == nil && second != nil:
			f.Title = fmt.Sprintf("%s answers on port %d, but not on %d, where clients of Nacos 2 speak gRPC", host, n, n+further)
			f.Why, f.Mend = "consumers need both ports; a firewall or a Service names only one", fmt.Sprintf("kubectl patch service nacos --type=json -p '[{\"op\":\"add\",\"path\":\"/spec/ports/-\",\"value\":{\"name\":\"grpc\",\"port\":%d}}]'", n+further)
			return f
		case first != nil:
			f.Mend = "nc -vz " + host + " " + port + "   # until something answers there; --registry names another place"
		}
	}
	return f
}

// reach tries to connect.
func reach(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return c.Close()
}

func (x *examination) close() error {
	var faults []error
	for _, r := range x.opened {
		faults = append(faults, r.Close())
	}
	return errors.Join(faults...)
}

// shown is a URL for people, its secrets hidden.
func shown(u invoker.URL) string { return strings.ReplaceAll(u.String(), "%2A%2A%2A", "***") }

func namespaceOf(u invoker.URL) string {
	if n := u.Param("namespace"); n != "" {
		return n
	}
	return "public"
}

func groupOf(u invoker.URL) string {
	if g := u.Param("group"); g != "" {
		return g
	}
	return "DEFAULT_GROUP"
}

func user(u invoker.URL) string {
	if u.User != "" {
		return u.User
	}
	return u.Param("username")
}

// document reads one document of the metadata centre, whichever group it is in; ok is false where registries know no groups.
func (x *examination) document(ctx context.Context, group, key string) (text string, ok bool, err error) {
	w, is := x.place.(registry.RuleWatcher)
	if !is || x.place == nil || x.url.Protocol != "nacos" {
		return "", false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	got := false
	err = w.WatchRule(ctx, group, key, func(content string) {
		if !got {
			text, got = content, true
		}
		cancel()
	})
	if got {
		return text, true, nil
	}
	if err == nil {
		err = ctx.Err()
	}
	return "", false, err
}
