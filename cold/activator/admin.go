package activator

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Handler answers GET /metrics (Prometheus), /health/live, /health/ready (503 with the reason until every stand-in was written once, and while
// draining), /api/functions (what each function is doing), /api/functions/APP/manifest (what it offers), /api/samples (its last seconds,
// ?since=MILLISECONDS and ?app=NAME), /api/topology (who called what in the last minutes) and /api/ledger (the last cold starts, newest
// first). It shows nothing that is secret, and asks nobody who he is: let it be reached by operators only.
func (a *Activator) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /health/live", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /health/ready", func(w http.ResponseWriter, _ *http.Request) {
		if why := a.phase.Load(); why != nil {
			text := *why
			if n := a.standins.unwritten(); n > 0 {
				text += fmt.Sprintf("; %d functions are not registered yet", n)
			}
			http.Error(w, text, http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n") // the prober is gone: there is nobody to tell
	})
	mux.HandleFunc("GET /api/functions", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, a.describe()) })
	mux.HandleFunc("GET /api/functions/{app}/manifest", a.manifest)
	mux.HandleFunc("GET /api/samples", a.samplesSince)
	mux.HandleFunc("GET /api/topology", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, a.topology()) })
	mux.HandleFunc("GET /api/ledger", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, a.starts.list()) })
	return mux
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v) //nolint:errchkjson // the reader is gone: there is nobody to tell
}

// described is a function as /api/functions shows it.
type described struct {
	App             string `json:"app,omitempty"`
	Function        string `json:"function"`
	State           string `json:"state"` // "asleep", "waking", "awake" or "refused"
	Fault           string `json:"fault,omitempty"`
	Visible         bool   `json:"visible"` // every registry has its stand-in, as it is now
	URL             string `json:"url,omitempty"`
	Host            string `json:"host,omitempty"` // the Host header there
	Port            int    `json:"port,omitempty"`
	Revision        string `json:"revision,omitempty"`
	KnativeRevision string `json:"knative_revision,omitempty"`
	Parked          int    `json:"parked"`
	ParkedBytes     int    `json:"parked_bytes"`
	HTTP            int    `json:"http"`  // calls over the platform's path
	Early           int    `json:"early"` // calls over early lanes
	Lanes           int    `json:"lanes"`
	Instances       int    `json:"instances"` // processes that dialled, or answered in the last 10 s
	Knocks          int    `json:"knocks"`
	Trouble         string `json:"trouble,omitempty"` // what the last knock met
}

func (a *Activator) describe() []described {
	a.mu.Lock()
	defer a.mu.Unlock()
	faults := maps.Clone(a.faults)
	all := []described{}
	for app, p := range a.apps {
		d := described{App: app, Function: p.app.Name, URL: p.app.URL, Host: p.app.Host, Port: p.port.number, Revision: p.app.metadata.Revision(), KnativeRevision: p.app.KnativeRevision, Fault: faults[p.app.Name], Visible: a.standins.visible(app)}
		delete(faults, p.app.Name)
		p.sleeper.describe(&d)
		all = append(all, d)
	}
	for name, why := range faults {
		all = append(all, described{Function: name, State: "refused", Fault: why})
	}
	slices.SortFunc(all, func(x, y described) int { return strings.Compare(x.App+"\x00"+x.Function, y.App+"\x00"+y.Function) })
	return all
}

func (s *sleeper) describe(d *described) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.State, d.Parked, d.ParkedBytes = s.stateName(), s.parked.n, s.parked.bytes
	d.Instances = s.instances()
	d.HTTP, d.Early, d.Lanes, d.Knocks, d.Trouble = s.posting, s.early, len(s.lanes), len(s.knocks), s.trouble
}
