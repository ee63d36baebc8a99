// Package metadataservice is what a provider of ours tells consumers of itself, wherever it is told: by the function, or by what stands
// in for it.
package metadataservice

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/metadatainfo"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
)

// Interface is the Java interface.
const Interface = "org.apache.dubbo.metadata.MetadataService"

// Metadata is what consumers fetch of what a manifest offers. Nothing of an address is in it, and every port is 0. The parameters
// are the caller's own.
func Metadata(m fn.Manifest) registry.Metadata {
	md := registry.Metadata{App: m.App, Digest: m.Digest()}
	for _, s := range m.Services {
		params := make(map[string]string, len(s.Params)+1)
		maps.Copy(params, s.Params)
		md.Services = append(md.Services, registry.Service{Name: s.Interface, Group: s.Group, Version: s.Version, Protocol: "dubbo", Params: params})
	}
	return md
}

// New is the service that consumers ask when an instance's metadata is local (Java: MetadataService 1.0.0), in the
// group of the application. It is in no manifest: consumers find it by the instance's dubbo.metadata-service.url-params.
func New(m registry.Metadata, definitions map[string]json.RawMessage) *fn.Service {
	info := metadatainfo.Of(m)
	byRevision := func(_ context.Context, revision *string) (*metadatainfo.Info, error) {
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
	return fn.NewService(Interface, fn.Version("1.0.0"), fn.Group(m.App),
		fn.Method("version", func() (string, error) { return "1.0.0", nil }),
		fn.Method("serviceName", func() (string, error) { return m.App, nil }),
		fn.Method("getMetadataInfo", byRevision),
		fn.Method("getMetadataInfos", func() ([]*metadatainfo.Info, error) { return []*metadatainfo.Info{info}, nil }),
		fn.Method("getServiceDefinition", definition),
		fn.Method("getServiceDefinition", func(iface, version, group *string) (*string, error) {
			return definition(invoker.ServiceKey{Interface: text(iface), Version: text(version), Group: text(group)}.String())
		}),
	)
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
