package fn

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

// Set is the services of one application, ready to be called. Safe for concurrent use.
type Set struct {
	app      string
	types    *hessian.Types
	log      atomic.Pointer[slog.Logger]
	services map[string]*iface
	offered  []*offered
	model    *model
	limits   map[string]*limit // by what Refused calls them
}

// iface is one Java interface in all its versions.
type iface struct {
	name     string
	versions []*version // few, so searched one by one
}

type version struct {
	version string // "" for 0.0.0
	groups  []string
	methods map[string]*overloads
}

// NewSet checks services and puts them together. Its error joins every fault that it finds, each with the service, method and
// argument at fault, and with what would do.
func NewSet(app string, services ...*Service) (*Set, error) {
	types := hessian.NewTypes()
	s := &Set{app: app, types: types, services: map[string]*iface{}, model: newModel(types), limits: map[string]*limit{}}
	s.log.Store(slog.Default())
	b := builder{set: s}
	if app == "" || !plain(app) {
		b.fault("application %q: want letters, digits, '.', '-' and '_'", app)
	}
	for i, svc := range services {
		if svc == nil {
			b.fault("service %d is nil: want fn.NewService(…)", i+1)
			continue
		}
		for _, f := range append(svc.faults, svc.common.faults...) {
			b.fault("%s: %w", svc.key, f)
		}
	}
	if len(services) == 0 {
		b.fault("no service: want at least one fn.NewService(…)")
	}
	if len(b.faults) == 0 {
		b.build(services)
	}
	if len(b.faults) > 0 {
		return nil, errors.Join(b.faults...)
	}
	return s, nil
}

// Logger sets where panics are logged, with their stacks. Without it slog.Default() has them.
func (s *Set) Logger(l *slog.Logger) { s.log.Store(l) }

// Types gives the Java types of the services.
func (s *Set) Types() *hessian.Types { return s.types }

const lookUp = "look up"

// Lookup finds the method for a request. path is the Java interface, version may be empty, descriptor is the parameter list as
// the JVM writes it. The group is checked by the Invoker, which knows it from the attachments. The error is an *[invoker.Error]
// of CodeNotFound, or CodeBadRequest for a descriptor that is none, and names what does exist.
//
// It allocates nothing once a descriptor has been seen. $invoke, $invokeAsync and $echo are found for every service.
func (s *Set) Lookup(path, version, method, descriptor []byte) (invoker.Invoker, *hessian.Signature, error) {
	svc := s.services[string(path)]
	if svc == nil {
		return nil, nil, invoker.Errorf(invoker.CodeNotFound, lookUp, "no service %s; application %s has %s", shown(string(path)), s.app, listed(s.keys("")))
	}
	v := svc.find(version)
	if v == nil {
		return nil, nil, invoker.Errorf(invoker.CodeNotFound, lookUp, "no version %s of %s; there is %s", shown(string(version)), svc.name, listed(s.keys(svc.name)))
	}
	m := v.methods[string(method)]
	if m == nil {
		return nil, nil, v.noMethod(svc.name, string(method))
	}
	o, err := m.find(descriptor)
	if err != nil {
		return nil, nil, err
	}
	return o, &o.sig, nil
}

func (f *iface) find(want []byte) *version {
	for _, v := range f.versions {
		if string(want) == v.version || v.version == "" && string(want) == "0.0.0" {
			return v
		}
	}
	return nil
}

func (v *version) noMethod(service, name string) *invoker.Error {
	names := make([]string, 0, len(v.methods))
	for n := range v.methods {
		if !strings.HasPrefix(n, "$") {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return invoker.Errorf(invoker.CodeNotFound, lookUp, "no method %s in %s; it has %s", shown(name), service, listed(names))
}

// keys lists the services, or the versions and groups of one.
func (s *Set) keys(name string) []string {
	var keys []string
	for _, f := range s.services {
		for _, v := range f.versions {
			for _, g := range v.groups {
				if name == "" || name == f.name {
					keys = append(keys, invoker.ServiceKey{Interface: f.name, Version: v.version, Group: g}.String())
				}
			}
		}
	}
	slices.Sort(keys)
	return keys
}
