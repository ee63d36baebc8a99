package activator

import (
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/invoker"
)

// table says whose a frame is, by interface, version and group: as fn.Set.Lookup finds them. It is made anew for every change.
type table struct {
	interfaces map[string][]route
	apps       map[string]*sleeper
}

// route is one service's place.
type route struct {
	version, group string
	service        *service
	to             *sleeper
}

// find gives a frame's service. It allocates nothing.
func (t *table) find(path, version, group []byte) (route, bool) {
	for _, r := range t.interfaces[string(path)] {
		if string(group) == r.group && (string(version) == r.version || r.version == "" && string(version) == "0.0.0") {
			return r, true
		}
	}
	return route{}, false
}

// missing says what there is instead.
func (t *table) missing(path, version, group []byte) string {
	short := func(b []byte) string { return string(b[:min(len(b), 200)]) }
	want := invoker.ServiceKey{Interface: short(path), Version: short(version), Group: short(group)}.String()
	var have []string
	for _, r := range t.interfaces[string(path)] {
		have = append(have, r.service.key.String())
	}
	if len(have) == 0 {
		return "no function behind this activator's port offers " + want
	}
	slices.Sort(have)
	return "no function behind this activator's port offers " + want + "; there is " + strings.Join(have[:min(len(have), 20)], ", ")
}

// add puts a service into a table that is being made.
func (t *table) add(s *service, to *sleeper) {
	t.interfaces[s.key.Interface] = append(t.interfaces[s.key.Interface], route{version: s.key.Version, group: s.key.Group, service: s, to: to})
	t.apps[to.name] = to
}

func newTable() *table { return &table{interfaces: map[string][]route{}, apps: map[string]*sleeper{}} }
