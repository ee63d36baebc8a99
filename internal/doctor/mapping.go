package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
)

// mapping looks at which applications the interface is said to be offered by, in the form of either Dubbo line. Where none is said, it looks
// for who offers it all the same, so that the rest can be looked at, and for where it is offered instead.
func (x *examination) mapping(ctx context.Context, p *patient) bool {
	iface := p.key.Interface
	apps, err := x.center.Apps(ctx, iface)
	if err != nil {
		x.add(Finding{Check: "mapping", State: Bad, Service: p.name, Title: "the applications of " + iface + " can't be read", Why: err.Error(), Mend: x.doctorCommand(p.name)})
		return false
	}
	for _, a := range apps {
		p.apps = append(p.apps, &application{name: a, mapped: true})
	}
	for _, a := range x.cfg.Apps {
		if !slices.Contains(apps, a) {
			p.apps = append(p.apps, &application{name: a})
		}
	}
	if len(apps) > 0 {
		x.lines(ctx, p, apps)
		return true
	}
	if len(p.apps) > 0 && len(x.offering(ctx, iface, x.cfg.Apps)) > 0 {
		x.add(Finding{Check: "mapping", State: OK, Service: p.name, Title: "none, and none is needed: the consumer was told of " + strings.Join(x.cfg.Apps, ", ")})
		return true
	}
	return x.unmapped(ctx, p)
}

// unmapped says why a consumer finds no application, as far as that can be found out.
func (x *examination) unmapped(ctx context.Context, p *patient) bool {
	iface := p.key.Interface
	if found := x.offering(ctx, iface, x.candidates(ctx, iface)); len(found) > 0 {
		var mends []string
		for _, app := range found {
			p.apps = append(p.apps, &application{name: app})
			mends = append(mends, x.doctorCommand("--fix", "mapping", "--app", app, p.name))
		}
		x.add(Finding{
			Check: "mapping", State: Bad, Service: p.name, Title: fmt.Sprintf("no mapping names an application for %s, though %s offers it", iface, strings.Join(found, ", ")),
			Why: "consumers begin with the interface and find nobody; a consumer that is told the application (provided-by) needs none", Mend: strings.Join(mends, " && "),
		})
		return true
	}
	if x.interfaceLevel(ctx, p) {
		return true
	}
	if where := x.elsewhere(ctx, iface, x.candidates(ctx, iface)); len(where) > 0 {
		x.add(x.wrongPlace(p, where[0]))
		return false
	}
	x.add(Finding{
		Check: "mapping", State: Bad, Service: p.name, Title: fmt.Sprintf("nobody offers %s in %s, nor ever did", iface, shown(x.url)),
		Why: "no mapping names an application for it, and no application that is known here offers it", Mend: x.bring(),
	})
	return false
}

// bring writes what has a function registered where nothing of it is.
func (x *examination) bring() string {
	if x.cfg.Admin != "" && x.front == nil && !x.cfg.AdminMaybe {
		return x.startActivator()
	}
	if x.onThisMachine() || x.cfg.Admin == "" {
		return "DUBBOFN_REGISTRY=" + urlText(x.url) + " dubbofn run ."
	}
	return "dubbofn deploy ."
}

// wrongPlace says that what the consumer looks for is in another namespace or group of the same Nacos.
func (x *examination) wrongPlace(p *patient, at published) Finding {
	f := Finding{Check: "namespace", State: Bad, Service: p.name, Restart: "consumer"}
	u := x.url
	if at.Namespace != namespaceOf(u) {
		space := at.Namespace
		if space == "public" {
			space = ""
		}
		u = with(u, "namespace", space)
		f.Title = fmt.Sprintf("%s is registered in namespace %s, this consumer looks in %s", at.Name, at.Namespace, namespaceOf(x.url))
		f.Why = fmt.Sprintf("namespaces know nothing of each other; in Java: dubbo.registry.parameters.namespace=%s", at.Namespace)
	}
	if at.Group != groupOf(u) {
		group := at.Group
		if group == "DEFAULT_GROUP" {
			group = ""
		}
		u = with(u, "group", group)
		if f.Title == "" {
			f.Check = "group"
			f.Title = fmt.Sprintf("%s is registered in group %s of Nacos, this consumer looks in %s", at.Name, at.Group, groupOf(x.url))
			f.Why = fmt.Sprintf("a consumer sees the instances of its own group only; in Java: dubbo.registry.group=%s", at.Group)
		}
	}
	f.Mend = "export DUBBOFN_REGISTRY=" + urlText(u)
	return f
}

// lines looks at the form of the mapping that each Dubbo line reads.
func (x *examination) lines(ctx context.Context, p *patient, apps []string) {
	iface := p.key.Interface
	said := fmt.Sprintf("%s is offered by %s", iface, strings.Join(apps, ", "))
	three, known, err := x.document(ctx, "mapping", iface)
	if err != nil || !known {
		x.add(Finding{Check: "mapping", State: OK, Service: p.name, Title: said})
		return
	}
	var lost, live []string
	for _, a := range apps {
		if all, err := x.instance.Instances(ctx, registry.Name{App: a}); err == nil && len(all) == 0 {
			continue // it ran here once
		}
		live = append(live, a)
		if x.cfg.Line != Line27 && !slices.Contains(strings.Split(strings.ReplaceAll(three, " ", ""), ","), a) {
			lost = append(lost, fmt.Sprintf("%s is missing in the mapping of Dubbo 3 (config mapping/%s)", a, iface))
		}
		if old, _, err := x.document(ctx, "mapping-"+iface, a); x.cfg.Line != Line3 && err == nil && old == "" {
			lost = append(lost, fmt.Sprintf("%s is missing in that of Dubbo 2.7 (config mapping-%s/%s)", a, iface, a))
		}
	}
	switch {
	case len(lost) > 0:
		state, why := Warn, "consumers of that line do not find it"
		if x.cfg.Line != "" {
			state = Bad
		}
		words := []string{"--fix", "mapping"}
		for _, a := range live {
			words = append(words, "--app", a)
		}
		x.add(Finding{Check: "mapping", State: state, Service: p.name, Title: strings.Join(lost, "; "), Why: why, Mend: x.doctorCommand(append(words, p.name)...)})
	case x.cfg.Line == Line27 && len(x.cfg.Apps) == 0 && user(x.url) != "" && !x.listsUnknown(ctx, iface):
		x.add(Finding{
			Check: "mapping", State: Bad, Service: p.name, Title: "this Nacos lists no mapping to a Dubbo 2.7 consumer, which does not log in for that",
			Why: "a limit of Dubbo 2.7; tell it the application", Mend: fmt.Sprintf(`export JAVA_TOOL_OPTIONS="$JAVA_TOOL_OPTIONS -Ddubbo.reference.%s.provided-by=%s"`, iface, strings.Join(apps, ",")), Restart: "consumer",
		})
	default:
		x.add(Finding{Check: "mapping", State: OK, Service: p.name, Title: said, Why: "as Dubbo " + map[string]string{"": "2.7 and 3.x read it", Line27: "2.7 reads it", Line3: "3.x reads it"}[x.cfg.Line]})
	}
}

// candidates are applications that may offer an interface without any mapping: those that the activator, the manifest and the interface level tell of.
func (x *examination) candidates(ctx context.Context, iface string) []string {
	all := slices.Clone(x.cfg.Apps)
	if m := x.cfg.Manifest; m != nil {
		all = append(all, m.App)
	}
	for _, f := range x.front.all() {
		all = append(all, f.App)
	}
	const every = "*"
	if list, err := x.instance.Instances(ctx, registry.Name{Interface: iface, Version: every, Group: every}); err == nil {
		for _, i := range list {
			if i.App != "" {
				all = append(all, i.App)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// offering gives those applications that have an instance whose metadata has the interface.
func (x *examination) offering(ctx context.Context, iface string, apps []string) (found []string) {
	const most = 50
	for _, app := range apps[:min(len(apps), most)] {
		all, err := x.instance.Instances(ctx, registry.Name{App: app})
		if err != nil || len(all) == 0 {
			continue
		}
		r := x.read(ctx, all[0])
		if r.err == nil && slices.Contains(r.metadata.Interfaces(), iface) {
			found = append(found, app)
		}
	}
	return found
}

// instances looks for live instances of the applications.
func (x *examination) instances(ctx context.Context, p *patient) bool {
	if p.byInterface {
		return x.listed(p, nil)
	}
	var none []string
	for _, a := range p.apps {
		all, err := x.instance.Instances(ctx, registry.Name{App: a.name})
		if err != nil {
			x.add(Finding{Check: "instances", State: Bad, Service: p.name, Title: "the instances of " + a.name + " can't be read", Why: err.Error(), Mend: x.doctorCommand(p.name)})
			return false
		}
		a.instances = all
		if len(all) == 0 {
			none = append(none, a.name)
		}
	}
	if len(none) < len(p.apps) {
		return x.listed(p, none)
	}
	if x.interfaceLevel(ctx, p) {
		return x.listed(p, none)
	}
	x.empty(ctx, p, none)
	return false
}

// listed names the instances, and the applications that have none.
func (x *examination) listed(p *patient, none []string) bool {
	var there []string
	for _, a := range p.apps {
		for _, i := range a.instances {
			there = append(there, a.name+" at "+i.Address())
		}
	}
	if len(there) == 0 {
		return true // of another version or group: it is said next
	}
	f := Finding{Check: "instances", State: OK, Service: p.name, Title: strings.Join(there[:min(len(there), maxNamed)], ", ")}
	if n := len(there) - maxNamed; n > 0 {
		f.Title += fmt.Sprintf(", and %d more", n)
	}
	if len(none) > 0 {
		f.Why = fmt.Sprintf("the mapping names %s too, which has no instance now: no harm", strings.Join(none, ", "))
	}
	x.add(f)
	p.apps = slices.DeleteFunc(p.apps, func(a *application) bool { return len(a.instances) == 0 })
	return true
}

const maxNamed = 8 // of anything in one line

// empty says why applications that are mapped have no instance.
func (x *examination) empty(ctx context.Context, p *patient, apps []string) {
	if where := x.elsewhere(ctx, p.key.Interface, apps); len(where) > 0 {
		x.add(x.wrongPlace(p, where[0]))
		return
	}
	f := Finding{Check: "instances", State: Bad, Service: p.name, Title: "no instance of " + strings.Join(apps, ", ") + " is there", Why: "it ran here once: the mapping stays when a provider goes. It is to be started again; the command does so with a function, in its folder", Mend: x.bring()}
	for _, app := range apps {
		one, ok := x.front.of(app)
		if !ok {
			continue
		}
		f.Why = fmt.Sprintf("the activator has the function %s, but its stand-in is not where this consumer looks: the activator's DUBBOFN_REGISTRY is another", one.Function)
		f.Mend, f.Restart = "export DUBBOFN_REGISTRY="+urlText(x.url), "activator"
		if !x.onThisMachine() {
			f.Mend, f.Restart = "kubectl -n dubbofn set env deployment/dubbofn-activator DUBBOFN_REGISTRY="+urlText(x.url), ""
		}
	}
	x.add(f)
}

// covers tells whether a service of the metadata is what the consumer refers to.
func covers(k invoker.ServiceKey, s registry.Service) bool {
	return s.Name == k.Interface && registry.Name{Interface: k.Interface, Version: k.Version, Group: k.Group}.Covers(s.Version, s.Group)
}
