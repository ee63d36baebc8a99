package activator

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// apply serves what the source knows: all of it, anew. One at a time.
func (r *run) apply(all []Function) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.latest = all
	r.renew()
}

// portRetry is the pause before ports are tried again where none could be had: one that is being left or closed is free soon.
const portRetry = 5 * time.Second

// renewSoon renews without a word of the source's. It is called with the lock held, by what watching waits for.
func (r *run) renewSoon() {
	if r.again {
		return
	}
	r.again = true
	r.watching.Go(func() {
		pause := time.NewTimer(portRetry)
		defer pause.Stop()
		select {
		case <-pause.C:
		case <-r.watched:
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.again = false
		r.renew()
	})
}

// renew serves the latest. It is called with the lock held.
func (r *run) renew() {
	faults := map[string]string{}
	served := r.claim(r.judge(r.latest, faults), faults)
	next := map[string]*placed{}
	for _, p := range r.place(served, faults) {
		next[p.app.App] = p
	}
	r.report(faults)
	r.replace(next)
}

// judge gives the functions that make sense; of one that doesn't, the last that did.
func (r *run) judge(all []Function, faults map[string]string) []*app {
	var apps []*app
	good := map[string]*app{}
	for _, f := range all {
		last := r.good[f.Name]
		if last != nil && sameFunction(last.source, f) {
			good[f.Name] = last
			apps = append(apps, last)
			continue
		}
		a, err := newApp(f, &r.cfg)
		switch {
		case err != nil && last != nil:
			faults[f.Name] = err.Error() + "; what was known of it before stays"
			a = last
		case err != nil:
			faults[f.Name] = err.Error()
			continue
		}
		good[f.Name] = a
		apps = append(apps, a)
	}
	r.good = good
	return apps
}

// claim refuses all but one of those that claim the same app: the one that has it, else the oldest, else the first by name.
func (r *run) claim(apps []*app, faults map[string]string) []*app {
	has := func(a *app) int {
		if p := r.apps[a.App]; p != nil && p.app.Name == a.Name {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(apps, func(a, b *app) int {
		return cmp.Or(cmp.Compare(has(a), has(b)), a.Created.Compare(b.Created), cmp.Compare(a.Name, b.Name))
	})
	holders := map[string]*app{}
	kept := apps[:0]
	for _, a := range apps {
		if h := holders[a.App]; h != nil {
			faults[a.Name] = fmt.Sprintf("application %q is claimed by %s already: DUBBOFN_APP gives one of them another name", a.App, h.Name)
			continue
		}
		holders[a.App] = a
		kept = append(kept, a)
	}
	return kept
}

// place finds a port for each app, in their order: where it is, else the main one, else one of its own. A version that nothing can be found for
// leaves the one before where it is.
func (r *run) place(apps []*app, faults map[string]string) []*placed {
	taken, held := claims{}, r.held(apps)
	var all []*placed
	for _, a := range apps {
		next := &placed{app: a, port: r.ports[0]}
		last := r.apps[a.App]
		service, holder := a.clash(next.port, taken, held)
		switch {
		case last != nil && last.port != r.ports[0] && len(taken[last.port]) == 0:
			next.port = last.port
		case holder == "":
		default:
			p, err := r.ownPort(taken)
			if err == nil {
				r.log.Warn("activator: an application gets a port of its own", "app", a.App, "port", p.number, "service", service, "held_by", holder)
				next.port = p
				break
			}
			fault := fmt.Sprintf("service %s is held by application %q on port %d: %v", service, holder, r.ports[0].number, err)
			if last == nil || last.app.isTaken(last.port, taken) {
				faults[a.Name] = fault
				continue
			}
			faults[a.Name] = fault + "; what was known of it before stays"
			next = &placed{app: last.app, port: last.port}
		}
		taken.add(next.port, next.app.App, next.app.services)
		all = append(all, next)
	}
	r.closePorts(taken)
	return all
}

// claims say which app has a service, by port and service.
type claims map[*port]map[string]string

func (c claims) add(p *port, app string, services []*service) {
	if c[p] == nil {
		c[p] = map[string]string{}
	}
	for _, s := range services {
		c[p][s.key.String()] = app
	}
}

// held is what apps have and go on offering: nobody else's new version takes it from them.
func (r *run) held(apps []*app) claims {
	held := claims{}
	for _, a := range apps {
		if last := r.apps[a.App]; last != nil {
			held.add(last.port, a.App, slices.DeleteFunc(slices.Clone(last.app.services), func(s *service) bool { return !a.offers(s) }))
		}
	}
	return held
}

func (a *app) offers(s *service) bool {
	return slices.ContainsFunc(a.services, func(o *service) bool { return o.key == s.key })
}

// isTaken tells whether another has a service of the app on a port.
func (a *app) isTaken(p *port, taken claims) bool {
	_, holder := a.clash(p, taken)
	return holder != ""
}

// clash gives a service of the app that another has on a port; empty where none does.
func (a *app) clash(p *port, all ...claims) (service, holder string) {
	for _, s := range a.services {
		for _, c := range all {
			if h := c[p][s.key.String()]; h != "" && h != a.App {
				return s.key.String(), h
			}
		}
	}
	return "", ""
}

// ownPort gives one of the configured ports that nobody is on.
func (r *run) ownPort(taken claims) (*port, error) {
	open := map[int]bool{}
	for _, p := range r.ports {
		open[p.number] = true
		held := false
		for _, app := range r.apps {
			held = held || app.port == p // it may be about to leave, but consumers are there
		}
		if p != r.ports[0] && len(taken[p]) == 0 && !held {
			return p, nil
		}
	}
	var last error
	for _, n := range r.cfg.Ports {
		if open[n] {
			continue
		}
		l, err := r.cfg.Listen(n)
		if err != nil {
			last = err
			continue
		}
		p, err := r.newPort(n, l, r.failed)
		if err != nil {
			_ = l.Close() // it was never served
			last = err
			continue
		}
		p.serve(r.base)
		r.ports = append(r.ports, p)
		return p, nil
	}
	if len(r.cfg.Ports) > 0 {
		r.renewSoon()
	}
	if last != nil {
		return nil, fmt.Errorf("none of the ports %v can be had: %w", r.cfg.Ports, last)
	}
	return nil, fmt.Errorf("no port of its own is left (Ports: %v)", r.cfg.Ports)
}

// closePorts lets the ports go that nobody is on.
func (r *run) closePorts(taken claims) {
	kept := r.ports[:1:1]
	for _, p := range r.ports[1:] {
		if len(taken[p]) > 0 {
			kept = append(kept, p)
			continue
		}
		r.running.Go(func() {
			ctx, cancel := context.WithTimeout(r.base, r.cfg.Drain)
			defer cancel()
			p.drain(ctx)
		})
	}
	r.ports = kept
}

// report tells of faults that are new, and of those that are no more.
func (r *run) report(faults map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		if r.faults[name] != faults[name] {
			r.metrics.faults.WithLabelValues(strings.ToValidUTF8(name, "\uFFFD")).Inc() // it may be a file's
			r.log.Error("activator: a function is refused", "function", name, "reason", faults[name])
		}
	}
	for name := range r.faults {
		if faults[name] == "" {
			r.log.Info("activator: a function is refused no more, or gone", "function", name)
		}
	}
	r.faults = faults
}

// replace has the next apps served in place of the last.
func (r *run) replace(next map[string]*placed) {
	served := map[string]*sleeper{}
	tables := map[*port]*table{}
	for _, p := range r.ports {
		tables[p] = newTable()
	}
	for app, p := range next {
		if last := r.apps[app]; last != nil {
			p.sleeper = last.sleeper
			if last.app != p.app {
				p.sleeper.update(p.app)
				r.log.Info("activator: a function has changed", "app", app, "revision", p.app.metadata.Revision(), "knative_revision", p.app.KnativeRevision)
			}
		} else {
			p.sleeper = newSleeper(r.Activator, p.app)
			r.log.Info("activator: a function is served", "app", app, "function", p.app.Name, "url", p.app.URL, "revision", p.app.metadata.Revision())
		}
		served[app] = p.sleeper
		for _, s := range p.app.services {
			tables[p.port].add(s, p.sleeper)
		}
	}
	for p, t := range tables {
		p.table.Store(t)
	}
	r.served.Store(&served)
	for app, p := range next { // once its calls find their way
		if last := r.apps[app]; last == nil || last.app != p.app || last.port != p.port {
			reg := p.app.registration(r.cfg.Host, p.port.number)
			r.standins.set(app, &reg)
		}
	}
	for app, last := range r.apps {
		if next[app] == nil {
			r.standins.set(app, nil)
			last.sleeper.remove()
			r.metrics.forget(app)
			r.snapshots.put(app, nil)
			r.log.Info("activator: a function is gone", "app", app)
		}
	}
	r.apps = next
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = c.Server.Log
	}
	c = c.withLimits()
	host, port, _ := net.SplitHostPort(c.Dubbo.Addr().String())
	if c.Port == 0 {
		c.Port, _ = strconv.Atoi(port)
	}
	if c.Listen == nil {
		c.Listen = func(n int) (net.Listener, error) { return net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(n))) }
	}
	return c
}
