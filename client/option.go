package client

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/internal/javatype"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
	"github.com/dubbofn/dubbofn/invoker/protect"
	"github.com/dubbofn/dubbofn/registry"
)

// Option is a part of a reference.
type Option func(*reference)

// reference is what options say.
type reference struct {
	key        invoker.ServiceKey
	urls       []invoker.URL
	adapters   []registry.Adapter
	providedBy []string
	cluster    cluster.Config
	protect    protect.Config
	methods    map[string]*method
	token      string
	filters    []invoker.Filter
	classes    []class
	throws     []throws
	faults     []error
	background bool
}

// method is what options say of one method.
type method struct {
	cluster.MethodConfig
	descriptor string
	declared   bool
}

func (r *reference) fault(format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf(format, args...))
}

func (r *reference) method(name string) *method {
	if r.methods[name] == nil {
		r.methods[name] = &method{}
	}
	return r.methods[name]
}

// class is one [Class].
type class struct {
	rt   reflect.Type
	name string
}

// nameClasses makes known what [Class] says: an Object, or an interface of Java's, may hold what no method's types mention.
func (s *Service) nameClasses() error {
	types := s.client.types
	for _, n := range s.ref.classes {
		if err := types.Name(n.rt, n.name); err != nil {
			return err
		}
	}
	for _, n := range s.ref.classes {
		if _, err := types.Register(n.rt, s.pkg); err != nil {
			return err
		}
	}
	return nil
}

// Version sets the service's version; "*" is any.
func Version(version string) Option { return func(r *reference) { r.key.Version = version } }

// Group sets the service's group; "*" is any, and several may be given, separated by commas.
func Group(group string) Option { return func(r *reference) { r.key.Group = group } }

// URL calls the providers at these addresses, past any registry: "dubbo://a:20880,b:20880?timeout=500".
func URL(urls ...string) Option {
	return func(r *reference) {
		for _, s := range urls {
			u, err := invoker.ParseURL(s)
			if err != nil {
				r.faults = append(r.faults, err)
				continue
			}
			r.urls = append(r.urls, u)
		}
	}
}

// Registries adds registries that the client of this reference can use, as nacos.Registry is. It counts only where [Reference]
// makes a client.
func Registries(adapters ...registry.Adapter) Option {
	return func(r *reference) { r.adapters = append(r.adapters, adapters...) }
}

// ProvidedBy names the applications that offer the service, where their providers write no mapping.
func ProvidedBy(apps ...string) Option {
	return func(r *reference) { r.providedBy = append(r.providedBy, apps...) }
}

// Timeout bounds every call, with all its tries. Default: what the provider publishes, else 1 s.
func Timeout(d time.Duration) Option { return func(r *reference) { r.cluster.Timeout = d } }

// TryTimeout is how long a try of an idempotent method waits for its answer before another provider is tried in its place, so that one
// that hangs does not take all of a call's time. Where there is no other, or the retry budget allows no other try, it waits on. Default:
// it waits for as long as the call has time.
func TryTimeout(d time.Duration) Option { return func(r *reference) { r.cluster.TryTimeout = d } }

// Retries sets how often a call is tried after the first time. Default: 2, or what the provider publishes if that is more; where it
// publishes fewer, those bound the tries of calls that may have run, but for methods that [Idempotent] names.
func Retries(n int) Option { return func(r *reference) { r.cluster.Retries = &n } }

// Cluster sets what is done when a call fails: failover, failfast, failsafe, failback, forking, broadcast or available.
func Cluster(name string) Option { return func(r *reference) { r.cluster.Cluster = name } }

// LoadBalance sets how a provider is chosen: random, roundrobin, leastactive, shortestresponse, consistenthash or p2c.
func LoadBalance(name string) Option { return func(r *reference) { r.cluster.LoadBalance = name } }

// Idempotent says of methods that a call may be repeated though it may have run before.
func Idempotent(methods ...string) Option {
	return func(r *reference) {
		for _, m := range methods {
			r.method(m).Idempotent = true
		}
	}
}

// Method declares a method's Java parameter types, where Go's don't tell them: Method("getUser", "int", "java.lang.String[]").
// Without types it declares that there are no parameters.
func Method(name string, javaTypes ...string) Option {
	return func(r *reference) {
		m := r.method(name)
		var err error
		m.declared = true
		if m.descriptor, err = declared(javaTypes); err != nil {
			r.fault("method %s: %w", name, err)
		}
	}
}

// declared gives the descriptor of parameters whose Java types are named.
func declared(javaTypes []string) (descriptor string, err error) {
	for _, t := range javaTypes {
		d := javatype.Descriptor(t)
		descriptor += d
		each, ok := javatype.Parameters(d)
		if !ok || len(each) != 1 || !javatype.IsClassName(strings.TrimRight(javatype.Name(d), "[]")) {
			return "", fmt.Errorf("parameter types %q: want Java's names like int, java.lang.String or org.example.User[]", javaTypes)
		}
	}
	return descriptor, nil
}

// MethodConfig sets how one method is called; what it leaves open holds as for the others.
func MethodConfig(name string, c cluster.MethodConfig) Option {
	return func(r *reference) {
		m := r.method(name)
		c.Idempotent = c.Idempotent || m.Idempotent
		m.MethodConfig = c
	}
}

// Protect limits the calls of each method, refuses them while too many fail, and answers in their place: see [protect.Limits]. What is zero
// in c.Limits the environment says. c.Log counts for nothing: the client's is used.
//
// With a breaker of each provider, which the environment sets (DUBBOFN_BREAKER), calls go to other providers; c's are of a method, wherever
// its calls go.
func Protect(c protect.Config) Option { return func(r *reference) { r.protect = c } }

// OnTry has report told of each try once it has ended, for metrics: where it went, how long it took, what came of it. The call waits for
// report, which must be quick, and safe for concurrent use.
func OnTry(report func(cluster.Try)) Option { return func(r *reference) { r.cluster.OnTry = report } }

// Token is sent with every call, for providers that ask for one. Default: what the provider publishes.
func Token(token string) Option { return func(r *reference) { r.token = token } }

// Use wraps the calls with filters. The first is the outermost; all of them are outside the choice of a provider and its retries.
func Use(filters ...invoker.Filter) Option {
	return func(r *reference) {
		if slices.ContainsFunc(filters, func(f invoker.Filter) bool { return f == nil }) {
			r.fault("a filter is nil: want an invoker.Filter")
			return
		}
		r.filters = append(r.filters, filters...)
	}
}

// Class names the Java class of T where its Go name and the interface's package don't tell it, or where only values of an Object hold it. T is a
// struct, a named string type, which is an enum, or a type that is any (type Shape any), which is a Java interface.
func Class[T any](name string) Option {
	return func(r *reference) {
		rt := reflect.TypeFor[T]()
		for rt.Kind() == reflect.Pointer {
			rt = rt.Elem()
		}
		if !javatype.IsClassName(name) {
			r.fault("class %q of %v: want a Java class name like org.example.T", name, rt)
			return
		}
		r.classes = append(r.classes, class{rt, name})
	}
}
