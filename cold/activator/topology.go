package activator

import (
	"cmp"
	"net"
	"net/http"
	"slices"
	"time"
)

// topology is who calls what, as /api/topology shows it: only what passed here in the last minutes. What functions call elsewhere does not.
type topology struct {
	Activator string      `json:"activator"` // where consumers connect
	Consumers []consumer  `json:"consumers"`
	Functions []described `json:"functions"`
	Edges     []edge      `json:"edges"`
}

// consumer is an application at a host, or a function that calls others.
type consumer struct {
	ID          string `json:"id"`
	App         string `json:"app,omitempty"` // as it calls itself; empty: it doesn't tell
	Host        string `json:"host"`
	Kind        string `json:"kind"` // "consumer", "function" or "console"
	Connections int    `json:"connections"`
}

// edge is calls of a consumer to a function.
type edge struct {
	From  string    `json:"from"` // a consumer's ID
	To    string    `json:"to"`   // a function's application
	Calls uint64    `json:"calls"`
	Last  time.Time `json:"last"`
}

// insideHost is what calls of this process's own console come from.
const insideHost = "console"

func (a *Activator) topology() topology {
	t := topology{Functions: a.describe(), Consumers: []consumer{}, Edges: []edge{}}
	if ports := a.allPorts(); len(ports) > 0 {
		t.Activator = ports[0].address
	}
	consumers := map[string]*consumer{}
	connections := map[[2]string]struct{}{}
	for _, s := range a.sleepers() {
		edges := map[string]*edge{}
		s.mu.Lock()
		for at, c := range s.tally.callers {
			x := a.consumerAt(at, c.app)
			if consumers[x.ID] == nil {
				consumers[x.ID] = &x
			}
			connections[[2]string{x.ID, at}] = struct{}{}
			e := edges[x.ID]
			if e == nil {
				e = &edge{From: x.ID, To: s.name}
				edges[x.ID] = e
			}
			e.Calls += c.calls
			if c.last.After(e.Last) {
				e.Last = c.last
			}
		}
		if s.tally.others > 0 {
			consumers["others"] = &consumer{ID: "others", Host: "others", Kind: "consumer"}
			edges["others"] = &edge{From: "others", To: s.name, Calls: s.tally.others}
		}
		s.mu.Unlock()
		for _, e := range edges {
			t.Edges = append(t.Edges, *e)
		}
	}
	for c := range connections {
		consumers[c[0]].Connections++
	}
	for _, c := range consumers {
		t.Consumers = append(t.Consumers, *c)
	}
	slices.SortFunc(t.Consumers, func(x, y consumer) int { return cmp.Compare(x.ID, y.ID) })
	slices.SortFunc(t.Edges, func(x, y edge) int { return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To)) })
	return t
}

// consumerAt tells who is at the other end of a connection.
func (a *Activator) consumerAt(address, app string) consumer {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	c := consumer{App: app, Host: host, Kind: "consumer", ID: app + "@" + host}
	switch {
	case address == insideHost:
		c.ID, c.Kind = insideHost, "console"
	case a.sleeper(app) != nil:
		c.Kind, c.ID = "function", app+"@function"
	}
	return c
}

// manifest answers /api/functions/{app}/manifest.
func (a *Activator) manifest(w http.ResponseWriter, req *http.Request) {
	s := a.sleeper(req.PathValue("app"))
	if s == nil {
		http.Error(w, "no application of that name is served here", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(s.now.Load().Manifest) // the reader is gone: there is nobody to tell
}
