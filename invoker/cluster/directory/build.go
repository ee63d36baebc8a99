package directory

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
	"github.com/dubbofn/dubbofn/registry"
)

// build makes a new snapshot whenever something has changed, until the directory closes.
func (d *Directory) build() {
	var again <-chan time.Time
	log := onceLog{d: d}
	for {
		var settled chan<- struct{}
		select {
		case <-d.ctx.Done():
			return
		case <-d.wake:
		case <-again:
		case settled = <-d.settle:
		}
		if wait := d.rebuild(&log); wait > 0 {
			again = time.After(wait)
		} else {
			again = nil
		}
		if settled != nil {
			close(settled)
		}
	}
}

// rebuild makes a snapshot of what is known. wait is how long an empty list is not believed yet, or one that isn't whole.
func (d *Directory) rebuild(log *onceLog) (wait time.Duration) {
	log.begin()
	d.mu.Lock()
	wanted, answered, why := d.wanted(log)
	rules, apps := d.rules, d.offering(wanted)
	if len(wanted) > 0 || !answered {
		d.emptySince = time.Time{}
	} else if d.emptySince.IsZero() {
		d.emptySince = time.Now()
	}
	left := d.cfg.EmptyGrace
	if !d.emptySince.IsZero() {
		left -= time.Since(d.emptySince)
	}
	var kept []cluster.Provider
	if len(wanted) == 0 {
		kept = d.kept(left)
	}
	protect := len(kept) > 0
	began := protect && !d.protecting
	ended := d.protecting && !protect
	d.protecting = protect
	d.mu.Unlock()
	log.end()

	switch {
	case began:
		d.counts.protected.Add(1)
		d.cfg.Log.Warn("directory: the registry gives no provider; the last ones are kept for a while", "service", d.cfg.Service, "registry", d.src.Name, "providers", len(kept), "for", d.cfg.EmptyGrace, "reason", why)
	case ended:
		d.cfg.Log.Info("directory: empty protection ended", "service", d.cfg.Service, "providers", len(wanted))
	}
	snap := &cluster.Snapshot{Routers: rules.Routers, Err: why}
	if protect {
		wanted, wait = kept, max(0, left)
	}
	more, look := d.linger(wanted)
	if len(more) > 0 {
		wait = look
	}
	snap.Providers = d.hold(append(wanted, more...), rules)
	switch {
	case len(snap.Providers) > 0:
		snap.Err = nil
	case len(wanted) > 0:
		snap.Err = fmt.Errorf("each of the %d providers is disabled, by configurators or by itself", len(wanted))
	}
	d.snap.Store(snap)
	if d.cfg.OnApps != nil && len(apps) > 0 && !slices.Equal(apps, d.told) {
		d.told = apps
		d.cfg.OnApps(slices.Clone(apps))
	}
	if part := d.tell(answered, len(snap.Providers)); part > 0 {
		return part // the list isn't empty, but for what the rules disable
	}
	return wait
}

// offering is called with the lock held. It gives the applications that the mapping has, and those that providers at interface level
// say they are of.
func (d *Directory) offering(wanted []cluster.Provider) []string {
	all := map[string]bool{}
	for name := range d.apps {
		all[name] = true
	}
	for i := range wanted {
		if app := wanted[i].App; app != "" {
			all[app] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// tell lets those go on who wait for an answer, once it is whole. Where it is late, part of one will do: wait is how long it may yet
// take. A consumer that began with part of the list would send its first calls to the wrong ones, or find none with its tag.
func (d *Directory) tell(answered bool, providers int) (wait time.Duration) {
	select {
	case <-d.ready:
		return 0
	default:
	}
	if !answered {
		if providers == 0 {
			return 0
		}
		if d.partSince.IsZero() {
			d.partSince = time.Now()
		}
		if wait = partPatience - time.Since(d.partSince); wait > 0 {
			return wait
		}
	}
	close(d.ready)
	return 0
}

// partPatience is how long part of an answer is not taken for the whole.
const partPatience = time.Second

// hold gives the providers wanted, each as it was where nothing about it has changed, and lets go of those that are gone.
func (d *Directory) hold(wanted []cluster.Provider, rules Rules) []*cluster.Provider {
	next := make(map[string]*cluster.Provider, len(wanted))
	list := make([]*cluster.Provider, 0, len(wanted))
	shared := overrides{}
	for i := range wanted {
		w := &wanted[i]
		if next[w.Address] != nil {
			continue
		}
		w.Override = nil
		if rules.Override != nil {
			w.Override = shared.share(rules.Override(w))
		}
		if w.Param("disabled") == "true" || w.Param("enabled") == "false" {
			continue
		}
		p := d.held[w.Address]
		switch {
		case p == nil:
			w.Target = d.cfg.Pool.Hold(d.cfg.Connection(w))
			p = cluster.NewProvider(*w)
			if !d.cfg.Lazy {
				p.Target.Warm()
			}
		case p.App != w.App || p.Key != w.Key || p.Path != w.Path || !maps.Equal(p.Service, w.Service) || !maps.Equal(p.Instance, w.Instance) || !maps.Equal(p.Override, w.Override):
			w.Target = d.connections(w, p.Target)
			p = p.Next(*w)
		}
		next[p.Address] = p
		list = append(list, p)
	}
	for address, p := range d.held {
		if next[address] == nil {
			p.Target.Release()
		}
	}
	d.held = next
	slices.SortFunc(list, func(a, b *cluster.Provider) int { return strings.Compare(a.Address, b.Address) })
	return list
}

// connections gives a provider's connections: those that it has, unless it is spoken to in another way now.
func (d *Directory) connections(p *cluster.Provider, has *cold.Target[cluster.Conn]) *cold.Target[cluster.Conn] {
	name := d.cfg.Connection(p)
	if has.Address() == name {
		return has
	}
	next := d.cfg.Pool.Hold(name)
	has.Release()
	if !d.cfg.Lazy {
		next.Warm()
	}
	return next
}

// overrides shares equal maps: a rule says the same of thousands of providers.
type overrides []map[string]string

func (o *overrides) share(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	for _, known := range *o {
		if maps.Equal(known, m) {
			return known
		}
	}
	if len(*o) < 16 {
		*o = append(*o, m)
	}
	return m
}

// wanted is called with the lock held. It gives the providers that the registry has now; why is what to say when there are none;
// answered tells whether the registry, and whoever else was asked, has answered.
func (d *Directory) wanted(log *onceLog) (list []cluster.Provider, answered bool, why error) {
	var errs []error
	answered = true
	if d.step() != ForceInterface {
		list, answered, why = d.fromApps(log)
		errs = append(errs, why)
		if len(list) > 0 {
			return list, answered, nil
		}
	}
	if d.step() != ForceApplication {
		list, why = d.fromInterface(log)
		answered = answered && (d.directSeen || d.directErr != nil)
		errs = append(errs, why)
	}
	return list, answered, errors.Join(errs...)
}

// kept is called with the lock held. It gives the providers from before that stay while the list is empty: all of them while there is
// grace left, then those whose instances are still there, in a revision whose metadata can't be had.
func (d *Directory) kept(left time.Duration) (list []cluster.Provider) {
	type instance struct{ app, host string }
	unread := map[instance]bool{}
	if left <= 0 && d.cfg.EmptyGrace > 0 {
		for _, a := range d.apps {
			for _, i := range a.instances {
				if r := a.revisions[i.Revision()]; r != nil && !r.had {
					unread[instance{a.name, i.Host}] = true
				}
			}
		}
	}
	for _, p := range d.held {
		host, _, _ := net.SplitHostPort(p.Address)
		if left > 0 || unread[instance{p.App, host}] {
			list = append(list, *p)
		}
	}
	return list
}

// fromApps gives the providers at application level.
func (d *Directory) fromApps(log *onceLog) (list []cluster.Provider, answered bool, why error) {
	switch {
	case d.mapErr != nil && !d.mapped:
		return nil, true, fmt.Errorf("no application for %s: %w", d.cfg.Service.Interface, d.mapErr)
	case !d.mapped: // also where they are given, until they are followed
		return nil, false, fmt.Errorf("registry %s has not told the applications of %s yet", d.src.Name, d.cfg.Service.Interface)
	case len(d.apps) == 0:
		return nil, true, fmt.Errorf("registry %s has no application for %s (where its provider writes no mapping, name its application: client.ProvidedBy, or --provided-by of dubbofn call)", d.src.Name, d.cfg.Service.Interface)
	}
	answered = true
	var reasons []error
	for _, name := range slices.Sorted(maps.Keys(d.apps)) {
		a := d.apps[name]
		before := len(list)
		var offers []string
		pending := !a.seen && a.err == nil
		for _, i := range a.instances {
			r := a.revisions[i.Revision()]
			switch {
			case r == nil: // an instance without services
			case r.had:
				more, found, err := d.offered(list, a, i, r.meta, log)
				if list = more; !found && len(offers) == 0 {
					offers = keys(r.meta)
				}
				if err != nil {
					reasons = append(reasons, err)
				}
			case !r.tried:
				pending = true
			default:
				reasons = append(reasons, fmt.Errorf("application %s at %s: no metadata of revision %s: %w", name, i.Address(), i.Revision(), r.err))
			}
		}
		answered = answered && !pending
		switch {
		case len(list) > before:
		case pending:
			reasons = append(reasons, fmt.Errorf("application %s has not been read yet", name))
		case a.err != nil:
			reasons = append(reasons, fmt.Errorf("application %s: %w", name, a.err))
		case len(a.instances) == 0:
			reasons = append(reasons, fmt.Errorf("application %s has no instance", name))
		case len(offers) > 0:
			reasons = append(reasons, fmt.Errorf("application %s offers %s", name, strings.Join(offers, ", ")))
		}
	}
	if len(reasons) > maxReasons {
		reasons = append(reasons[:maxReasons], fmt.Errorf("and %d more reasons", len(reasons)-maxReasons))
	}
	return list, answered, errors.Join(reasons...)
}

const maxReasons = 5

// offered appends what an instance offers of the service; found tells whether it does, err why it is left out all the same.
func (d *Directory) offered(list []cluster.Provider, a *app, i registry.Instance, m registry.Metadata, log *onceLog) (more []cluster.Provider, found bool, err error) {
	for n := range m.Services {
		s := &m.Services[n]
		if s.Protocol != "dubbo" || !d.offers(s.Name, s.Version, s.Group) {
			continue
		}
		at := i
		at.Port = portOf(i, s.Port)
		if err := sane(at); err != nil {
			log.say("instance left out: "+err.Error(), i.Address())
			return list, true, fmt.Errorf("application %s at %s: %w", a.name, i.Address(), err)
		}
		p := cluster.Provider{Address: at.Address(), App: a.name, Path: pathOf(s.Path, s.Name), Service: s.Params, Instance: ofInstance(i.Metadata)}
		if d.wild() {
			p.Key = invoker.ServiceKey{Interface: s.Name, Version: s.Version, Group: s.Group}
		}
		return append(list, p), true, nil
	}
	return list, false, nil
}

func (d *Directory) wild() bool {
	return d.cfg.Service.Version == "*" || strings.ContainsAny(d.cfg.Service.Group, "*,")
}

// offers tells whether a service is the one that is wanted (Java: ServiceDiscoveryRegistryDirectory and UrlUtils.isMatch, 3.3.6).
func (d *Directory) offers(iface, version, group string) bool {
	k := d.cfg.Service
	return iface == k.Interface && (k.Version == "*" || plain(version) == plain(k.Version)) &&
		(k.Group == "*" || slices.Contains(strings.Split(k.Group, ","), group))
}

// plain makes one of the two ways to have no version.
func plain(version string) string {
	if version == "0.0.0" {
		return ""
	}
	return version
}

// pathOf is what a provider exports the service under, "" where that is the interface, so that its calls need no copy (Java:
// DubboInvoker.doInvoke sends the path of the provider's URL, 3.3.6).
func pathOf(path, iface string) string {
	if path = strings.TrimPrefix(path, "/"); path == iface {
		return ""
	}
	return path
}

// portOf is the service's port, else that of the endpoint that speaks dubbo, else the instance's.
func portOf(i registry.Instance, port int) int {
	if port > 0 {
		return port
	}
	for _, e := range i.Endpoints() {
		if e.Protocol == "dubbo" {
			return e.Port
		}
	}
	return i.Port
}

const (
	maxPairs = 512
	maxText  = 64 << 10
)

// sane refuses an instance that nobody can mean.
func sane(i registry.Instance) error {
	size := 0
	for k, v := range i.Metadata {
		size += len(k) + len(v)
	}
	switch {
	case i.Host == "" || strings.ContainsAny(i.Host, " /@\x00"):
		return fmt.Errorf("its host is %q", i.Host)
	case i.Port < 1 || i.Port > 65535:
		return fmt.Errorf("its port is %d", i.Port)
	case len(i.Metadata) > maxPairs || size > maxText:
		return fmt.Errorf("its metadata has %d entries and %d bytes (limits %d and %d)", len(i.Metadata), size, maxPairs, maxText)
	}
	return nil
}

// ofInstance keeps of an instance's metadata what concerns calls, nil where nothing does.
func ofInstance(m map[string]string) map[string]string {
	var kept map[string]string
	for k, v := range m {
		if strings.HasPrefix(k, "dubbo.metadata") || k == "dubbo.endpoints" || k == "meta-v" {
			continue
		}
		if kept == nil {
			kept = map[string]string{}
		}
		kept[k] = v
	}
	return kept
}

// fromInterface gives the providers at interface level.
func (d *Directory) fromInterface(log *onceLog) (list []cluster.Provider, why error) {
	switch {
	case !d.directSeen && d.directErr != nil:
		return nil, fmt.Errorf("%s: %w", d.names()[0], d.directErr)
	case !d.directSeen:
		return nil, fmt.Errorf("registry %s has not told the providers of %s yet", d.src.Name, d.names()[0])
	}
	var out error // why the first was left out
	for _, i := range d.direct {
		m := i.Metadata
		if m["protocol"] != "" && m["protocol"] != "dubbo" || m["category"] != "" && m["category"] != "providers" {
			continue
		}
		if err := sane(i); err != nil {
			log.say("provider left out: "+err.Error(), i.Address())
			out = cmp.Or(out, fmt.Errorf("provider %s at interface level: %w", i.Address(), err))
			continue
		}
		p := cluster.Provider{Address: i.Address(), App: cmp.Or(i.App, m["application"]), Path: pathOf(m["path"], d.cfg.Service.Interface), Service: m}
		if d.wild() {
			p.Key = invoker.ServiceKey{Interface: d.cfg.Service.Interface, Version: m["version"], Group: m["group"]}
		}
		list = append(list, p)
	}
	if len(list) == 0 && out != nil {
		return nil, out
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("nothing is registered at interface level as %s", d.names()[0])
	}
	return list, nil
}

func keys(m registry.Metadata) []string {
	var all []string
	for _, s := range m.Services {
		if len(all) == maxReasons {
			all = append(all, "and "+strconv.Itoa(len(m.Services)-maxReasons)+" more")
			break
		}
		all = append(all, s.Key())
	}
	return all
}

// onceLog says a thing of an address once, for as long as it stays so.
type onceLog struct {
	d         *Directory
	said, now map[string]bool
}

func (l *onceLog) begin() { l.now = map[string]bool{} }
func (l *onceLog) end()   { l.said = l.now }

func (l *onceLog) say(what, address string) {
	key := address + what
	if !l.said[key] && !l.now[key] {
		l.d.counts.refused.Add(1)
		l.d.cfg.Log.Warn("directory: "+what, "address", address, "registry", l.d.src.Name)
	}
	l.now[key] = true
}
