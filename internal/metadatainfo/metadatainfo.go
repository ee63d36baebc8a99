// Package metadatainfo holds an application's metadata as Dubbo's MetadataService hands it over (Java: MetadataInfo, 2.7.23 and 3.3.6).
package metadatainfo

import (
	"fmt"

	"github.com/dubbofn/dubbofn/registry"
)

// Info is Java's MetadataInfo.
type Info struct {
	App      string
	Revision string
	Services map[string]*Service
}

// JavaClassName names the Java class.
func (Info) JavaClassName() string { return "org.apache.dubbo.metadata.MetadataInfo" }

// Service is Java's MetadataInfo.ServiceInfo. Group and version are null where there is none: Java tells "" from null.
type Service struct {
	Name     string
	Group    *string
	Version  *string
	Protocol string
	Port     int32
	Path     string
	Params   map[string]string
}

// JavaClassName names the Java class.
func (Service) JavaClassName() string { return "org.apache.dubbo.metadata.MetadataInfo$ServiceInfo" }

// Of gives the Java form.
func Of(m registry.Metadata) *Info {
	info := &Info{App: m.App, Revision: m.Revision(), Services: map[string]*Service{}}
	for _, s := range m.Published() {
		info.Services[s.Key()] = &Service{Name: s.Name, Group: null(s.Group), Version: null(s.Version), Protocol: s.Protocol, Path: s.Path, Params: s.Params}
	}
	return info
}

// Metadata gives what an application's provider handed over, and refuses what claims to be of another application or revision.
func (i *Info) Metadata(app, revision string) (registry.Metadata, error) {
	m := registry.Metadata{App: app}
	switch {
	case i == nil:
		return m, fmt.Errorf("no metadata of %s, revision %s", app, revision)
	case i.App != "" && i.App != app:
		return m, fmt.Errorf("metadata of %s claims to be of application %q", app, i.App)
	case i.Revision != "" && i.Revision != revision:
		return m, fmt.Errorf("metadata of %s, revision %s, claims to be of revision %q", app, revision, i.Revision)
	}
	for key, s := range i.Services {
		if s == nil || s.Name == "" {
			return m, fmt.Errorf("metadata of %s, revision %s: service %q has no name", app, revision, key)
		}
		m.Services = append(m.Services, registry.Service{Name: s.Name, Group: text(s.Group), Version: text(s.Version), Protocol: s.Protocol, Port: int(s.Port), Path: s.Path, Params: s.Params})
	}
	return m, nil
}

func null(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
