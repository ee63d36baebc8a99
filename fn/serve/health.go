package serve

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
)

// readiness is what /health/ready tells: why not, or that it is.
type readiness struct {
	reason atomic.Pointer[string] // nil: ready
}

func (r *readiness) set(reason string) {
	if reason == "" {
		r.reason.Store(nil)
		return
	}
	r.reason.Store(&reason)
}

// ServeHTTP answers 200 {"status":"UP"} or 503 {"status":"DOWN","reason":…}.
func (r *readiness) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	reason := r.reason.Load()
	if reason == nil {
		health(w, http.StatusOK, "")
		return
	}
	health(w, http.StatusServiceUnavailable, *reason)
}

// live answers 200 for as long as the process can answer at all.
func live(w http.ResponseWriter, _ *http.Request) { health(w, http.StatusOK, "") }

func health(w http.ResponseWriter, code int, reason string) {
	body := struct {
		Status string `json:"status"`
		Reason string `json:"reason,omitempty"`
	}{"UP", reason}
	if code != http.StatusOK {
		body.Status = "DOWN"
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	// The client may have gone; there is nobody else to tell.
	_ = json.NewEncoder(w).Encode(body) //nolint:errchkjson // as said
}
