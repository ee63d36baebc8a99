package serve

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
)

const metadataInterface = "org.apache.dubbo.metadata.MetadataService"

// metadataInfo is Java's MetadataInfo (2.7.23 and 3.3.6: fields app, revision, services).
type metadataInfo struct {
	App      string
	Revision string
	Services map[string]*serviceInfo
}

// JavaClassName names the Java class.
func (metadataInfo) JavaClassName() string { return "org.apache.dubbo.metadata.MetadataInfo" }

// serviceInfo is Java's MetadataInfo.ServiceInfo. Group and version are null where there is none: Java tells "" from null.
type serviceInfo struct {
	Name     string
	Group    *string
	Version  *string
	Protocol string
	Port     int32
	Path     string
	Params   map[string]string
}

// JavaClassName names the Java class.
func (serviceInfo) JavaClassName() string {
	return "org.apache.dubbo.metadata.MetadataInfo$ServiceInfo"
}

// metadataService is the service that consumers ask when an instance's metadata is local (Java: MetadataService 1.0.0), in the
// group of the application. It is in no manifest: consumers find it by the instance's dubbo.metadata-service.url-params.
func metadataService(m registry.Metadata, definitions map[string]json.RawMessage) *fn.Service {
	info := toInfo(m)
	byRevision := func(_ context.Context, revision *string) (*metadataInfo, error) {
		if revision != nil && *revision != "" && *revision != info.Revision {
			return nil, fmt.Errorf("revision %q is not served here; %q is", *revision, info.Revision)
		}
		return info, nil
	}
	definition := func(key string) (*string, error) {
		d, ok := definitions[key+":dubbo"] // keyed as registry.Service.Key
		if !ok {
			return nil, nil
		}
		s := string(d)
		return &s, nil
	}
	return fn.NewService(metadataInterface, fn.Version("1.0.0"), fn.Group(m.App),
		fn.Method("version", func() (string, error) { return "1.0.0", nil }),
		fn.Method("serviceName", func() (string, error) { return m.App, nil }),
		fn.Method("getMetadataInfo", byRevision),
		fn.Method("getMetadataInfos", func() ([]*metadataInfo, error) { return []*metadataInfo{info}, nil }),
		fn.Method("getServiceDefinition", definition),
		fn.Method("getServiceDefinition", func(iface, version, group *string) (*string, error) {
			return definition(invoker.ServiceKey{Interface: text(iface), Version: text(version), Group: text(group)}.String())
		}),
	)
}

func toInfo(m registry.Metadata) *metadataInfo {
	info := &metadataInfo{App: m.App, Revision: m.Revision(), Services: map[string]*serviceInfo{}}
	for _, s := range m.Published() {
		info.Services[s.Key()] = &serviceInfo{Name: s.Name, Group: null(s.Group), Version: null(s.Version), Protocol: s.Protocol, Path: s.Path, Params: s.Params}
	}
	return info
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
