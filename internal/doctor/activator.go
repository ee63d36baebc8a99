package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// front is what an activator says of itself. Its methods are for nil too: there is none.
type front struct {
	functions []function
	starts    []start
}

// function is one of the activator's /api/functions, as far as it matters here.
type function struct {
	App      string `json:"app"`
	Function string `json:"function"`
	State    string `json:"state"` // "asleep", "waking", "awake" or "refused"
	Fault    string `json:"fault"`
	Visible  *bool  `json:"visible"` // nil: an activator that does not tell
	URL      string `json:"url"`
	Port     int    `json:"port"`
	Revision string `json:"revision"`
	Trouble  string `json:"trouble"`
}

// start is one of its /api/ledger.
type start struct {
	App        string    `json:"app"`
	Started    time.Time `json:"started"`
	FirstReply int64     `json:"first_reply_us"`
}

func (f *front) all() (all []function) {
	if f != nil {
		for _, one := range f.functions {
			if one.App != "" {
				all = append(all, one)
			}
		}
	}
	return all
}

func (f *front) of(app string) (function, bool) {
	for _, one := range f.all() {
		if one.App == app {
			return one, true
		}
	}
	return function{}, false
}

// lookAtActivator asks the activator how it is and what it knows.
func (x *examination) lookAtActivator(ctx context.Context) {
	if x.cfg.Admin == "" {
		x.skip("", "no activator was named: --admin does", "activator")
		return
	}
	ready, err := x.ask(ctx, "/health/ready", nil)
	if err != nil {
		if x.cfg.AdminMaybe {
			x.skip("", fmt.Sprintf("none answers at %s; --admin names another place", x.cfg.Admin), "activator")
			return
		}
		x.add(Finding{
			Check: "activator", State: Bad, Title: fmt.Sprintf("no activator answers at %s: functions that sleep are not woken, and their stand-ins are gone", x.cfg.Admin),
			Why: err.Error() + "; it starts again with the settings that it had ('dubbofn run' has one inside)", Mend: x.startActivator(), Restart: "activator",
		})
		return
	}
	f := &front{}
	_, err = x.ask(ctx, "/api/functions", &f.functions)
	if err == nil {
		_, err = x.ask(ctx, "/api/ledger", &f.starts)
	}
	if err != nil {
		x.add(Finding{Check: "activator", State: Bad, Title: fmt.Sprintf("what answers at %s is no activator's port for operators", x.cfg.Admin), Why: err.Error(), Mend: "export DUBBOFN_ADMIN=127.0.0.1:9090", Restart: "consumer"})
		return
	}
	x.front = f
	if ready != http.StatusOK {
		text, _ := x.askText(ctx, "/health/ready")
		x.add(Finding{Check: "activator", State: Bad, Title: fmt.Sprintf("the activator at %s is not ready: %s", x.cfg.Admin, text), Why: "its stand-ins are not all written", Mend: x.startActivator(), Restart: "activator"})
		return
	}
	x.add(Finding{Check: "activator", State: OK, Title: fmt.Sprintf("the activator at %s is ready, with %s", x.cfg.Admin, plural(len(f.functions), "function", "functions"))})
	for _, one := range f.functions {
		if one.Fault != "" && x.concerns(one) {
			x.refusedFunction(one)
		}
	}
}

// concerns tells whether a refused function is the business of this examination.
func (x *examination) concerns(f function) bool {
	for _, s := range x.cfg.Services {
		if strings.Contains(f.Fault, s) {
			return true
		}
	}
	return len(x.cfg.Services) == 0
}

func (x *examination) refusedFunction(one function) {
	f := Finding{Check: "function", State: Bad, Title: fmt.Sprintf("the activator refuses %s: %s", one.Function, one.Fault)}
	if strings.Contains(one.Fault, "is held by application") {
		f.Why = "a call does not say which of two functions it means that offer the same service; a port of its own tells them apart"
		f.Mend, f.Restart = "export DUBBOFN_PORTS=20900-20919", "activator"
		if !x.onThisMachine() {
			f.Mend, f.Restart = "kubectl -n dubbofn set env deployment/dubbofn-activator DUBBOFN_PORTS=20900-20919", ""
		}
	} else {
		f.Why = "its manifest is made anew by deploying it"
		f.Mend = "dubbofn deploy ."
	}
	x.add(f)
}

// startActivator writes what has the activator start (again), where it runs.
func (x *examination) startActivator() string {
	if x.onThisMachine() {
		return "dubbofn activator"
	}
	return "kubectl -n dubbofn rollout restart deployment/dubbofn-activator"
}

// onThisMachine tells whether the activator is a process here rather than a pod: a port that is forwarded looks the same, but its functions
// have addresses of the cluster.
func (x *examination) onThisMachine() bool {
	for _, f := range x.front.all() {
		if u, err := url.Parse(f.URL); err == nil {
			return local(u.Hostname())
		}
	}
	host, _, err := net.SplitHostPort(hostOf(x.cfg.Admin))
	return err == nil && local(host)
}

// hostOf gives what a URL or an address connects to.
func hostOf(admin string) string {
	if _, rest, ok := strings.Cut(admin, "://"); ok {
		admin = strings.TrimSuffix(rest, "/")
	}
	return admin
}

const (
	maxAdminBytes = 8 << 20
	maxReason     = 300
)

// ask reads one of the activator's pages; its status, and where into is not nil, its JSON.
func (x *examination) ask(ctx context.Context, path string, into any) (status int, err error) {
	status, text, err := x.page(ctx, path)
	switch {
	case err != nil || into == nil:
		return status, err
	case status != http.StatusOK:
		return status, fmt.Errorf("GET %s: status %d", path, status)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return status, fmt.Errorf("GET %s: %w", path, err)
	}
	return status, nil
}

func (x *examination) askText(ctx context.Context, path string) (string, error) {
	_, text, err := x.page(ctx, path)
	return strings.TrimSpace(string(text[:min(len(text), maxReason)])), err
}

func (x *examination) page(ctx context.Context, path string) (int, []byte, error) {
	return get(ctx, "http://"+hostOf(x.cfg.Admin)+path, maxAdminBytes)
}

// get reads a page of at most so many bytes.
func get(ctx context.Context, at string, most int64) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return 0, nil, err
	}
	t := &http.Transport{DisableKeepAlives: true}
	defer t.CloseIdleConnections()
	resp, err := t.RoundTrip(req)
	if err != nil {
		return 0, nil, fmt.Errorf("GET %s: %w", req.URL.Path, err)
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	body, err = io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err == nil && int64(len(body)) > most {
		err = fmt.Errorf("GET %s: more than %d bytes", req.URL.Path, most)
	}
	return resp.StatusCode, body, err
}
