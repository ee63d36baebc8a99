package cluster

import (
	"maps"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

// route is where calls go that the routers treat alike: to the providers of a view, or one of several ways, by chance.
type route struct {
	view  *view
	ways  []way // where there is no view
	total int64 // of their weights
	kept  *atomic.Int32
}

// way is a part of the calls, and the providers that the routers up to some have left for it.
type way struct {
	upTo  int64 // of the route's total
	share Share
	next  atomic.Pointer[route] // nil until a call goes there
	after int                   // routers that are done
	last  *route                // what it takes the place of; may be nil
}

// view gives the providers that the routers leave for a call.
func (m *method) view(inv *invoker.Invocation) *view {
	whole := m.current()
	routers := m.plan.snap.Routers
	if len(routers) == 0 || len(whole.providers) == 0 {
		return whole
	}
	room, ok := m.plan.c.keys.Get().(*[]byte)
	if !ok {
		room = new([]byte)
	}
	key := (*room)[:0]
	for _, r := range routers {
		key = append(r.AppendKey(key, inv), 0)
	}
	var to *route
	if known := m.routed.Load(); known != nil {
		to = (*known)[string(key)]
	}
	if to == nil {
		to = m.route(string(key), inv)
	}
	if cap(key) <= maxKey {
		*room = key
		m.plan.c.keys.Put(room)
	}
	for to.view == nil {
		to = m.along(to, inv)
	}
	return to.view
}

// along takes one of a route's ways by chance.
func (m *method) along(r *route, inv *invoker.Invocation) *route {
	offset := m.plan.c.rand(r.total)
	w := &r.ways[0]
	for i := 1; offset >= w.upTo; i++ {
		w = &r.ways[i]
	}
	if next := w.next.Load(); next != nil {
		return next
	}
	next := m.narrow(inv, w.share.Providers, w.after, r.kept, w.last)
	if r.kept.Add(1) <= maxRoutes && !w.next.CompareAndSwap(nil, next) {
		return w.next.Load()
	}
	return next
}

// route narrows the providers, and remembers what is left.
func (m *method) route(key string, inv *invoker.Invocation) *route {
	m.mu.Lock()
	defer m.mu.Unlock()
	var last *route
	if past := m.past.Load(); past != nil {
		last = (*past)[key]
	}
	r := m.narrow(inv, m.plan.snap.Providers, 0, &atomic.Int32{}, last)
	if len(key) > maxKey {
		return r
	}
	next := map[string]*route{}
	if known := m.routed.Load(); known != nil && len(*known) < maxRoutes {
		maps.Copy(next, *known)
	}
	next[key] = r
	m.routed.Store(&next)
	return r
}

// narrow asks the routers from one on, up to where ways part. last is the route that this one takes the place of, or nil.
func (m *method) narrow(inv *invoker.Invocation, left []*Provider, from int, kept *atomic.Int32, last *route) *route {
	routers := m.plan.snap.Routers
	for i := from; i < len(routers) && len(left) > 0; i++ {
		shares := routers[i].Route(inv, left)
		if len(shares) > 1 {
			return part(shares, i+1, kept, last)
		}
		left = nil
		if len(shares) == 1 {
			left = shares[0].Providers
		}
	}
	whole := m.whole.Load()
	if len(left) == len(whole.providers) {
		return &route{view: whole}
	}
	var before *view
	if last != nil {
		before = last.view
	}
	return &route{view: newView(m.name, &m.settings, left, time.Now(), before)}
}

// part makes a route of several ways.
func part(shares []Share, after int, kept *atomic.Int32, last *route) *route {
	r := &route{ways: make([]way, len(shares)), kept: kept}
	for i, s := range shares {
		w := &r.ways[i]
		r.total += int64(max(1, s.Weight))
		w.upTo, w.share, w.after = r.total, s, after
		if last != nil && len(last.ways) == len(shares) {
			w.last = last.ways[i].next.Load()
		}
	}
	return r
}
