package fn

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/dubbofn/dubbofn/internal/javatype"
	"github.com/dubbofn/dubbofn/invoker"
)

// Option is a part of a [Service].
type Option interface {
	applyService(s *Service)
}

// MethodOption is an [Option] that may also stand at one method. At the service it holds for all methods that don't say
// otherwise.
type MethodOption interface {
	Option
	applyMethod(m *settings)
}

// settings are what may be said of one method, or of all methods of a service.
type settings struct {
	timeout    time.Duration // 0: not said
	idempotent bool
	atOnce     int // 0: not said
	perSecond  int
	filters    []invoker.Filter
	throws     []thrown
	renames    []rename // of a Struct
	skips      []string // of a Struct
	faults     []error
}

func (m *settings) fault(format string, args ...any) {
	m.faults = append(m.faults, fmt.Errorf(format, args...))
}

func (m *settings) clone() settings {
	c := *m
	c.filters, c.throws = slices.Clone(m.filters), slices.Clone(m.throws)
	return c
}

// over gives the settings of a method whose service says common.
func (m *settings) over(common *settings) settings {
	r := settings{timeout: m.timeout, idempotent: m.idempotent || common.idempotent}
	if r.timeout == 0 {
		r.timeout = common.timeout
	}
	if r.atOnce, r.perSecond = m.atOnce, m.perSecond; r.atOnce == 0 && r.perSecond == 0 {
		r.atOnce, r.perSecond = common.atOnce, common.perSecond
	}
	if r.timeout == 0 {
		r.timeout = defaultTimeout
	}
	r.filters = slices.Concat(common.filters, m.filters)
	r.throws = slices.Concat(m.throws, common.throws)
	return r
}

// defaultTimeout is above a cold start and Java's default of 1 s.
const defaultTimeout = 10 * time.Second

// serviceOption is an Option that makes no sense at a method.
type serviceOption func(s *Service)

func (o serviceOption) applyService(s *Service) { o(s) }

type methodOption func(m *settings)

func (o methodOption) applyService(s *Service) { o(&s.common) }
func (o methodOption) applyMethod(m *settings) { o(m) }

type idempotent bool

func (o idempotent) applyService(s *Service) { s.common.idempotent = bool(o) }
func (o idempotent) applyMethod(m *settings) { m.idempotent = bool(o) }

// Idempotent says that a call may be repeated without harm. Such methods are published with 2 retries, all others with 0;
// a consumer's own setting wins.
const Idempotent idempotent = true

// Version sets the service's version. Without it, and with "0.0.0", the service has none.
func Version(version string) Option {
	return serviceOption(func(s *Service) {
		if !plain(version) {
			s.fault("version %q: want letters, digits, '.', '-' and '_'", version)
		}
		s.key.Version = canonicalVersion(version)
	})
}

// Group sets the service's group, which tells apart several providers of one interface and version.
func Group(group string) Option {
	return serviceOption(func(s *Service) {
		if !plain(group) {
			s.fault("group %q: want letters, digits, '.', '-' and '_'", group)
		}
		s.key.Group = group
	})
}

// Token makes the service refuse calls that don't carry it. Consumers learn it from the registry: it keeps out those that
// call past the registry, and it is in the manifest, so it is no secret towards whoever may read either.
func Token(token string) Option {
	return serviceOption(func(s *Service) { s.token = token })
}

// Timeout sets what is published as the time that consumers wait for an answer, and what holds for calls that bring no
// deadline of their own. The default is 10 s, more than a cold start takes. Published in milliseconds, rounded up.
func Timeout(d time.Duration) MethodOption {
	return methodOption(func(m *settings) {
		if d <= 0 {
			m.fault("timeout %v: want more than 0", d)
			return
		}
		m.timeout = d
	})
}

// Use wraps methods with filters. The first is the outermost; those of the service are outside those of the method.
func Use(filters ...invoker.Filter) MethodOption {
	return methodOption(func(m *settings) {
		for i, f := range filters {
			if f == nil {
				m.fault("filter %d is nil: want an invoker.Filter", i+1)
				continue
			}
			m.filters = append(m.filters, f)
		}
	})
}

// Class names the Java class of T where its Go name and the service's package don't tell it, or where only values of an Object hold it. T is
// a struct; or a named string type, which thereby becomes a Java enum, and its constants are then listed, so that the manifest knows them;
// or a type that is any (type Shape any), which thereby is a Java interface, and a value of each struct that implements it is listed:
//
//	fn.Class[Shape]("org.example.Shape", Circle{}, Square{})
func Class[T any](class string, constants ...T) Option {
	return serviceOption(func(s *Service) {
		rt := reflect.TypeFor[T]()
		for rt.Kind() == reflect.Pointer {
			rt = rt.Elem()
		}
		if !javatype.IsClassName(class) {
			s.fault("class %q of %v: want a Java class name like org.example.T", class, rt)
			return
		}
		named := naming{rt: rt, class: class}
		if rt.Kind() == reflect.Interface {
			named.members = s.members(rt, constants)
			s.names = append(s.names, named)
			return
		}
		for _, c := range constants {
			name := fmt.Sprint(c)
			if !javatype.IsIdentifier(name) {
				s.fault("class %s of %v: constant %q: want a Java identifier", class, rt, name)
			}
			named.constants = append(named.constants, name)
		}
		s.names = append(s.names, named)
	})
}

// naming is one [Class].
type naming struct {
	rt        reflect.Type
	class     string
	constants []string
	members   []reflect.Type // the structs that implement an interface
}

// members gives the types of an interface's values.
func (s *Service) members(rt reflect.Type, values any) (all []reflect.Type) {
	list := reflect.ValueOf(values)
	for i := range list.Len() {
		member := list.Index(i).Elem()
		if !member.IsValid() || element(member.Type()).Kind() != reflect.Struct {
			s.fault("class of %v: value %d: want a struct or a pointer to one", rt, i+1)
			continue
		}
		all = append(all, element(member.Type()))
	}
	return all
}

// Rename gives a method of a [Struct] another Java name than its lowerCamel one, options of its own, or both.
// Several Go methods renamed to one name are Java overloads.
func Rename(goName, javaName string, options ...MethodOption) MethodOption {
	return methodOption(func(m *settings) {
		m.renames = append(m.renames, rename{goName, javaName, options})
	})
}

type rename struct {
	goName, javaName string
	options          []MethodOption
}

// Skip keeps exported methods of a [Struct] from being methods of the service.
func Skip(goNames ...string) MethodOption {
	return methodOption(func(m *settings) { m.skips = append(m.skips, goNames...) })
}
