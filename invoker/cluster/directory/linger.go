package directory

import (
	"time"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/invoker/cluster"
)

// lingerLook is how often it is looked whether those that the registry lists take calls by now.
const lingerLook = 100 * time.Millisecond

// linger gives providers that the registry lists no more and that take calls, while none that it lists does: for as long as an empty list
// is not believed. A list of dead instances is as bad as an empty one. Java's providers make it when they have reconnected to
// ZooKeeper, which still has the nodes of those that were killed: they delete their own and write it again.
func (d *Directory) linger(wanted []cluster.Provider) (more []cluster.Provider, wait time.Duration) {
	if len(wanted) > 0 && !d.reachable(wanted) {
		listed := make(map[string]bool, len(wanted))
		for i := range wanted {
			listed[wanted[i].Address] = true
		}
		for address, p := range d.held {
			if !listed[address] && p.Target.Ready() {
				more = append(more, *p)
			}
		}
	}
	began := len(more) > 0 && d.lingerSince.IsZero()
	if began {
		d.lingerSince = time.Now()
	}
	left := d.cfg.EmptyGrace - time.Since(d.lingerSince)
	if left <= 0 {
		more = nil
	}
	switch {
	case len(more) == 0:
		d.lingerSince = time.Time{}
	case began:
		d.counts.protected.Add(1)
		d.cfg.Log.Info("directory: no provider that the registry gives takes calls; others that do are kept for a while", "service", d.cfg.Service, "registry", d.src.Name,
			"given", len(wanted), "kept", len(more), "for", d.cfg.EmptyGrace)
	}
	d.lingering.Store(len(more) > 0)
	return more, min(max(0, left), lingerLook)
}

// reachable tells whether one of them takes calls, or is to be connected to by the first call.
func (d *Directory) reachable(wanted []cluster.Provider) bool {
	for i := range wanted {
		p := d.held[wanted[i].Address]
		if p == nil && d.cfg.Lazy {
			return true
		}
		if p == nil {
			continue
		}
		if s := p.Target.State(); s == cold.Ready || s == cold.Idle && d.cfg.Lazy {
			return true
		}
	}
	return false
}
