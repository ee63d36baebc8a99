package serve

import (
	"net"
	"strconv"
	"sync"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/internal/metadataservice"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
)

// provider looks a request up among the user's services, and MetadataService among our own: that one is in no manifest.
type provider struct {
	user *fn.Set
	own  func() (*fn.Set, error) // made when it is first asked for: most functions never are
}

func newProvider(user *fn.Set, metadata func() registry.Metadata) *provider {
	return &provider{user: user, own: sync.OnceValues(func() (*fn.Set, error) {
		m := metadata()
		return fn.NewSet(m.App, metadataservice.New(m, user.Definitions()))
	})}
}

// Lookup implements [dubbo.Provider].
func (p *provider) Lookup(path, version, method, descriptor []byte) (invoker.Invoker, *hessian.Signature, error) {
	if string(path) == metadataservice.Interface {
		own, err := p.own()
		if err != nil {
			return nil, nil, err
		}
		return own.Lookup(path, version, method, descriptor)
	}
	return p.user.Lookup(path, version, method, descriptor)
}

// metadataOf makes what consumers fetch from what the set offers. Nothing of an address is in it, every port is 0, and nothing of
// where it runs: the tag is the instance's (Java: InstanceAddressURL.getParameter falls back to the instance, 3.3.6).
func metadataOf(c Config, set *fn.Set) registry.Metadata {
	m := metadataservice.Metadata(set.Describe())
	for i := range m.Services {
		c.publish(&m.Services[i])
	}
	return m
}

// registration is what the function writes down, once its listeners are open.
func (f *function) registration() (registry.Registration, error) {
	host, err := advertised(f.config)
	if err != nil {
		return registry.Registration{}, err
	}
	port := f.config.AdvertisedPort
	if port == 0 {
		port = portOf(f.dubbo.Addr())
	}
	r := registry.Registration{
		Instance:    registry.Instance{App: f.config.App, Host: host, Port: port, Metadata: map[string]string{}},
		Metadata:    f.metadata(),
		Definitions: f.set.Definitions(),
	}
	if f.config.Tag != "" {
		r.Instance.Metadata["dubbo.tag"] = f.config.Tag
	}
	switch f.config.MetadataType {
	case "local":
		r.Storage = registry.Local3
	case "local-2.7":
		r.Storage = registry.Local27
	case "local-v2":
		r.Storage, r.TriplePort = registry.LocalV2, portOf(f.http.Addr())
	}
	return r, nil
}

func portOf(a net.Addr) int {
	_, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(port)
	return n
}
