package doctor

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
)

// offered looks for what the consumer refers to among what the applications offer.
func (x *examination) offered(_ context.Context, p *patient) bool {
	var others []string
	var apps []string
	for _, id := range p.sorted() {
		r := p.revisions[id]
		if r.err != nil {
			continue
		}
		for _, s := range r.metadata.Services {
			key := invoker.ServiceKey{Interface: s.Name, Version: s.Version, Group: s.Group}.String()
			switch {
			case covers(p.key, s):
				if !slices.Contains(apps, id.app) {
					apps = append(apps, id.app)
				}
			case s.Name == p.key.Interface && !slices.Contains(others, key):
				others = append(others, key)
			}
		}
	}
	switch {
	case len(apps) > 0:
		x.add(Finding{Check: "service", State: OK, Service: p.name, Title: fmt.Sprintf("%s is among what %s offers", p.name, strings.Join(apps, ", "))})
		return true
	case len(others) > 0:
		k, _ := invoker.ParseServiceKey(others[0]) // as String wrote it
		var differ []string
		if k.Group != p.key.Group {
			differ = append(differ, fmt.Sprintf("group = %q", k.Group))
		}
		if k.Version != p.key.Version {
			differ = append(differ, fmt.Sprintf("version = %q", k.Version))
		}
		x.add(Finding{
			Check: "service", State: Bad, Service: p.name, Title: fmt.Sprintf("%s is offered in another version or group: there is %s", p.key.Interface, strings.Join(others, ", ")),
			Why: fmt.Sprintf("the reference must say so: @DubboReference(%s) in Java", strings.Join(differ, ", ")), Mend: x.doctorCommand(others[0]),
		})
	default:
		names := p.appNames()
		x.add(Finding{
			Check: "service", State: Bad, Service: p.name, Title: fmt.Sprintf("%s is not among what %s offers now", p.key.Interface, strings.Join(names, ", ")),
			Why: "the mapping says that it was; what runs is another build, or an older one", Mend: "dubbofn deploy .",
		})
	}
	return false
}

func (p *patient) appNames() (all []string) {
	for _, a := range p.apps {
		all = append(all, a.name)
	}
	return all
}

// serviceOf gives what a revision offers of what the consumer refers to.
func (p *patient) serviceOf(r *revision) (registry.Service, bool) {
	if r == nil || r.err != nil {
		return registry.Service{}, false
	}
	for _, s := range r.metadata.Services {
		if covers(p.key, s) {
			return s, true
		}
	}
	return registry.Service{}, false
}

// agree looks at whether all instances of an application are of the build that should be there.
func (x *examination) agree(ctx context.Context, p *patient) bool {
	if p.byInterface {
		x.skip(p.name, "providers under the interface itself show none", "revision")
		return true
	}
	for _, a := range p.apps {
		x.agreeOf(ctx, p, a)
	}
	return true
}

func (x *examination) agreeOf(ctx context.Context, p *patient, a *application) {
	var ids []revisionID
	for _, id := range p.sorted() {
		if id.app == a.name {
			ids = append(ids, id)
		}
	}
	fresh, whose := x.fresh(p, ids)
	f := Finding{Check: "revision", State: Bad, Service: p.name}
	var good *revision
	var stale, mends []string
	for _, id := range ids {
		r := p.revisions[id]
		if fresh(id) {
			good = r
			continue
		}
		for _, i := range r.instances {
			stale = append(stale, i.Address())
			if mend := x.retire(i, r.metadata); mend != "" {
				mends = append(mends, mend)
			}
		}
	}
	switch {
	case len(stale) == 0:
		f.State, f.Title = OK, fmt.Sprintf("all instances of %s show revision %s", a.name, short(ids[0].revision))
		if whose != "" {
			f.Title += ", " + whose
		}
	case good == nil:
		f.Title = fmt.Sprintf("%s shows revision %s, which is not %s", a.name, short(ids[0].revision), whose)
		f.Why, f.Mend = "another build runs than the one that should", "dubbofn deploy ."
	default:
		f.Title = fmt.Sprintf("%s of %s shows a stale revision, which is not %s", strings.Join(stale[:min(len(stale), maxNamed)], ", "), a.name, whose)
		for _, id := range ids {
			if !fresh(id) {
				f.Why = x.difference(ctx, p, p.revisions[id], good)
			}
		}
		if f.Mend = strings.Join(mends, "; "); f.Mend == "" {
			f.Mend = "dubbofn deploy ."
			break
		}
		f.Why += "; the command takes what is stale out of consumers' lists until its process ends: end it, or deploy it again"
	}
	x.add(f)
}

// fresh tells revisions of what should be there from others, and who says what should: the manifest, the activator, or a guess.
func (x *examination) fresh(p *patient, ids []revisionID) (is func(revisionID) bool, whose string) {
	app := ids[0].app
	if m := x.cfg.Manifest; m != nil && m.App == app {
		digest := m.Digest() // not the revision: what a port asks for, as TLS, is in that too
		return func(id revisionID) bool {
			r := p.revisions[id]
			return r.err != nil || r.metadata.Digest == digest
		}, "that of the manifest"
	}
	if f, ok := x.front.of(app); ok {
		return func(id revisionID) bool { return id.revision == f.Revision }, "that of the activator"
	}
	best := fullest(p, ids)
	if len(ids) == 1 {
		return func(revisionID) bool { return true }, ""
	}
	return func(id revisionID) bool { return id == best }, fmt.Sprintf("%s, of which there is most", short(best.revision))
}

// fullest is the revision that offers most, in the most instances: a guess at which is the newest.
func fullest(p *patient, ids []revisionID) revisionID {
	best := ids[0]
	for _, id := range ids[1:] {
		a, b := p.revisions[id], p.revisions[best]
		if n, m := len(a.metadata.Services), len(b.metadata.Services); n > m || n == m && len(a.instances) > len(b.instances) {
			best = id
		}
	}
	return best
}

// retire writes what takes one instance out of consumers' lists, under the application's name and each of its services'.
func (x *examination) retire(i registry.Instance, m registry.Metadata) string {
	names := []string{i.App}
	for _, s := range m.Services {
		names = append(names, registry.Name{Interface: s.Name, Version: s.Version, Group: s.Group}.String())
	}
	return x.offline(i.Host, strconv.Itoa(i.Port), names...)
}

// difference tells which methods two builds of a service do not share, by what their instances say.
func (x *examination) difference(ctx context.Context, p *patient, stale, want *revision) string {
	old, ok := p.serviceOf(stale)
	if !ok {
		return "the stale one does not offer " + p.name
	}
	if now, is := p.serviceOf(want); is {
		a, b := x.methodsOf(ctx, stale.instances[0], old), x.methodsOf(ctx, want.instances[0], now)
		var parts []string
		if lost := without(b, a); len(lost) > 0 && a != nil {
			parts = append(parts, "the stale one lacks "+strings.Join(lost, ", "))
		}
		if more := without(a, b); len(more) > 0 && b != nil {
			parts = append(parts, "it still has "+strings.Join(more, ", "))
		}
		if len(parts) > 0 {
			return strings.Join(parts, "; ")
		}
	}
	return "calls go to either build"
}

func without(all, those []string) (left []string) {
	for _, s := range all {
		if !slices.Contains(those, s) {
			left = append(left, s)
		}
	}
	return left[:min(len(left), maxNamed)]
}

// alone looks at whether one application offers the service: a consumer calls all that do, without telling them apart.
func (x *examination) alone(_ context.Context, p *patient) bool {
	var apps []*application
	for _, a := range p.apps {
		for _, id := range p.sorted() {
			if _, ok := p.serviceOf(p.revisions[id]); ok && id.app == a.name && !slices.Contains(apps, a) {
				apps = append(apps, a)
			}
		}
	}
	if len(apps) < 2 {
		x.add(Finding{Check: "applications", State: OK, Service: p.name, Title: fmt.Sprintf("%s alone offers %s", strings.Join(p.appNames()[:1], ""), p.name)})
		return true
	}
	keep := x.rightful(apps)
	var names, mends []string
	for _, a := range apps {
		names = append(names, a.name)
		if a == keep {
			continue
		}
		for _, i := range a.instances {
			mends = append(mends, x.retire(i, p.revisions[revisionID{a.name, i.Revision()}].metadata))
		}
	}
	f := Finding{
		Check: "applications", State: Bad, Service: p.name, Title: fmt.Sprintf("%d applications offer %s: %s", len(apps), p.name, strings.Join(names, " and ")),
		Why:  fmt.Sprintf("calls go to any of them; the command takes all but %s out of consumers' lists until their processes end: end them, or give the service another group", keep.name),
		Mend: strings.Join(slices.DeleteFunc(mends, func(s string) bool { return s == "" }), "; "),
	}
	if f.Mend == "" {
		f.Mend = "dubbofn undeploy " + strings.Join(slices.DeleteFunc(names, func(n string) bool { return n == keep.name }), " ")
	}
	x.add(f)
	return true
}

// rightful is the application that the consumer means: the one that it was told of, or whose manifest it has, or that the activator has; else
// the first of the mapping.
func (x *examination) rightful(apps []*application) *application {
	for _, a := range apps {
		if slices.Contains(x.cfg.Apps, a.name) || x.cfg.Manifest != nil && x.cfg.Manifest.App == a.name {
			return a
		}
	}
	for _, a := range apps {
		if _, ok := x.front.of(a.name); ok {
			return a
		}
	}
	return apps[0]
}
