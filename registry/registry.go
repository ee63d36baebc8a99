package registry

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
)

// Adapter makes a [Registry] from a URL. It is the value that a program hands over to say which registries it can use:
// registry.Embedded, nacos.Registry.
type Adapter interface {
	// Name is the URL scheme that the adapter answers to: "nacos".
	Name() string
	// Open connects. It gives an error when the configuration can't be right (no address), a *[Refusal] when the credentials
	// are refused, and [ErrUnreachable] when no server answers; it keeps nothing running in that case. The registry outlives ctx.
	Open(ctx context.Context, c Config) (Registry, error)
}

// Config says where a registry is: the parts of a Dubbo URL. Which parameters count is said by each adapter;
// unknown ones are ignored, as Dubbo does.
type Config struct {
	Scheme    string            // "nacos"; must be the adapter's name, or empty
	Addresses []string          // "host:port"; port 0 or none means the adapter's default
	Path      string            // what follows the address, without the leading slash unless it is a file's path
	User      string            // empty: no login
	Password  string            // never logged
	Params    map[string]string // the URL's parameters; never changed
	Log       *slog.Logger      // nil: nothing is logged
}

// Registry holds registrations. Every registry in dubbofn is also a [Lookup] and a [Watcher]; those are found by type
// assertion, so that one that only writes is possible too. All methods are safe for concurrent use.
type Registry interface {
	// Register writes a registration, metadata before mapping before instances, and keeps it there until the lease ends:
	// what the registry forgets (a restart, a lost session) is written again. It returns when everything is written, or
	// with an error and nothing of the instances left: a *[Refusal] by the server, [ErrUnreachable], or that of ctx.
	Register(ctx context.Context, r Registration) (Lease, error)
	// Close ends every lease and watch, waits for what it started, and disconnects. It is idempotent; a watch's call back must
	// not call it.
	Close() error
}

// Lease is a registration that is being kept. Methods are safe for concurrent use.
type Lease interface {
	// Update registers over what is there, never leaving first: consumers see the old content or the new. Host, port and
	// application can't change. After an error the old content is what is kept.
	Update(ctx context.Context, r Registration) error
	// End takes the instances away and stops keeping them; metadata and mapping stay, as Dubbo Java leaves them. (The registries of
	// dubbofn have a method Forget that takes those away.)
	// It returns within ctx; the lease is over even when it gives an error. A second End does nothing.
	End(ctx context.Context) error
}

// Lookup answers what is registered now. All methods are safe for concurrent use.
type Lookup interface {
	// Apps gives the applications that offer a Java interface, sorted; none is not an error.
	Apps(ctx context.Context, iface string) ([]string, error)
	// Instances gives the healthy, enabled instances under a name, sorted by address; none is not an error.
	Instances(ctx context.Context, n Name) ([]Instance, error)
	// Metadata gives an application's metadata of one revision; [ErrNotFound] when there is none. Metadata that claims
	// another application or revision than asked for is an error.
	Metadata(ctx context.Context, app, revision string) (Metadata, error)
}

// Watcher follows what is registered. Each watch calls back with the present state first, then with the whole new state
// whenever it differs, never twice at a time. It blocks until ctx ends, and then returns nil after the last call back; it
// returns an error when the first state can't be had, or [ErrClosed]. A registry that can't be reached later changes nothing:
// the last state stands. An empty list means that the registry says it is empty.
type Watcher interface {
	WatchApps(ctx context.Context, iface string, each func(apps []string)) error
	WatchInstances(ctx context.Context, n Name, each func(instances []Instance)) error
}

// Name is what instances are listed under: an application, or one service at interface level. Exactly one is given. A look-up or a
// watch may ask for several services of an interface at once, by a [Name.Pattern], and gets the instances of all of them.
type Name struct {
	App       string // application level: "greet"
	Interface string // interface level: "org.example.GreetService"
	Version   string // interface level only; may be empty; "*" in a pattern
	Group     string // interface level only; may be empty; "*" or "a,b" in a pattern
}

// Pattern tells whether n means any version, any group, or one of several groups.
func (n Name) Pattern() bool {
	return n.Interface != "" && (n.Version == "*" || n.Group == "*" || strings.Contains(n.Group, ","))
}

// Covers tells whether n, a pattern or not, means services of that version and group; "0.0.0" is no version (Java:
// UrlUtils.isMatch, 3.3.6).
func (n Name) Covers(version, group string) bool {
	plain := func(v string) string {
		if v == "0.0.0" {
			return ""
		}
		return v
	}
	return (n.Version == "*" || plain(n.Version) == plain(version)) &&
		(n.Group == "*" || n.Group == group || slices.Contains(strings.Split(n.Group, ","), group))
}

// Among gives those of all names, as [Name.String] writes them, that a pattern means (Java: NacosRegistry.filterServiceNames, 3.3.6).
func (n Name) Among(all []string) []Name {
	var found []Name
	for _, s := range all {
		p := strings.Split(s, ":")
		if len(p) == 4 && p[0] == "providers" && p[1] == n.Interface && n.Covers(p[2], p[3]) {
			found = append(found, Name{Interface: p[1], Version: p[2], Group: p[3]})
		}
	}
	return found
}

// String gives the name as Nacos has it: the application, or "providers:interface:version:group" with empty parts kept
// (Java: NacosRegistry.getServiceName, 2.7.23 and 3.3.6).
func (n Name) String() string {
	if n.Interface == "" {
		return n.App
	}
	return "providers:" + n.Interface + ":" + n.Version + ":" + n.Group
}

var (
	// ErrNotFound says that a registry does not have what was asked for.
	ErrNotFound = errors.New("not found")
	// ErrUnreachable says that no server answered: trying again later may help. Open, Register and Update wrap it where that is the
	// cause, and only there, so that whoever starts knows a wrong configuration from an absent server.
	ErrUnreachable = errors.New("registry unreachable")
	// ErrClosed says that the registry was closed.
	ErrClosed = errors.New("registry closed")
)

// Refusal is the error of a registry that was reached and said no.
type Refusal struct {
	What   string // what was refused: "instance of greet"
	Reason string // the server's own words, or what could be found out
}

// Error gives "WHAT refused by the server: REASON".
func (r *Refusal) Error() string { return r.What + " refused by the server: " + r.Reason }
