package doctor

import (
	"context"
	"fmt"
	"slices"

	"github.com/dubbofn/dubbofn/registry"
)

// interfaceLevel goes on with the providers that are registered under the interface itself, where no application is found: consumers of both
// lines do so too, unless they were told not to. It tells whether there are any.
func (x *examination) interfaceLevel(ctx context.Context, p *patient) bool {
	const every = "*"
	all, err := x.instance.Instances(ctx, registry.Name{Interface: p.key.Interface, Version: every, Group: every})
	if err != nil || len(all) == 0 {
		return false
	}
	p.apps, p.byInterface = nil, true
	for _, i := range all {
		s := registry.Service{Name: p.key.Interface, Version: i.Metadata["version"], Group: i.Metadata["group"], Protocol: i.Metadata["protocol"], Params: i.Metadata}
		if s.Protocol == "" {
			s.Protocol = "dubbo"
		}
		id := revisionID{app: i.App}
		r := p.revisions[id]
		if r == nil {
			r = &revision{metadata: registry.Metadata{App: i.App}}
			p.revisions[id] = r
			p.apps = append(p.apps, &application{name: i.App})
		}
		if !slices.ContainsFunc(r.metadata.Services, func(o registry.Service) bool { return o.Key() == s.Key() }) {
			r.metadata.Services = append(r.metadata.Services, s)
		}
		if covers(p.key, s) {
			r.instances = append(r.instances, i)
			a := p.apps[slices.IndexFunc(p.apps, func(a *application) bool { return a.name == i.App })]
			a.instances = append(a.instances, i)
		}
	}
	x.add(Finding{
		Check: "mapping", State: OK, Service: p.name, Title: fmt.Sprintf("%s registered under the interface itself, none under an application", plural(len(all), "provider is", "providers are")),
		Why: "consumers of both lines turn to those, unless they are set to applications alone",
	})
	return true
}

func plural(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
