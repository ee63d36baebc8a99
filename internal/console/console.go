package console

import (
	"embed"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
)

// Path is where the console is served; everything of it is below.
const Path = "/console/"

//go:embed page
var files embed.FS

// console answers.
type console struct {
	cfg     Config
	door    door
	looking chan struct{} // doctor looks for one at a time
}

// New makes the handler of everything below [Path].
func New(c Config) (http.Handler, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Mode == "" {
		c.Mode = Read
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	page, err := fs.Sub(files, "page")
	if err != nil {
		return nil, err
	}
	x := &console{cfg: c, door: newDoor(c.Token), looking: make(chan struct{}, 1)}
	mux := http.NewServeMux()
	mux.Handle("GET "+Path, http.StripPrefix(Path, cached(http.FileServerFS(page))))
	mux.HandleFunc("POST "+Path+"login", x.login)
	mux.HandleFunc("POST "+Path+"logout", x.logout)
	mux.HandleFunc("GET "+Path+"api/session", x.known(x.session))
	for _, path := range []string{"functions", "functions/{app}/manifest", "samples", "topology", "ledger"} {
		mux.HandleFunc("GET "+Path+"api/"+path, x.known(http.StripPrefix(strings.TrimSuffix(Path, "/"), c.API).ServeHTTP))
	}
	mux.HandleFunc("POST "+Path+"api/call", x.known(x.call))
	mux.HandleFunc("POST "+Path+"api/doctor", x.known(x.doctor))
	return guarded(mux), nil
}

// guarded tells browsers what the page may do: nothing but what comes from here, in no frame of another's.
func guarded(h http.Handler) http.Handler {
	const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		set := w.Header().Set
		set("Content-Security-Policy", policy)
		set("X-Frame-Options", "DENY")
		set("X-Content-Type-Options", "nosniff")
		set("Referrer-Policy", "no-referrer")
		set("Cross-Origin-Opener-Policy", "same-origin")
		set("Cross-Origin-Resource-Policy", "same-origin")
		set("Cache-Control", "no-store")
		h.ServeHTTP(w, req)
	})
}

// cached lets browsers keep files, and ask whether they are still those.
func cached(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		h.ServeHTTP(w, req)
	})
}

// session says what this console may do.
func (x *console) session(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"mode": x.cfg.Mode, "doctor": x.cfg.Doctor != nil})
}

// doctor has doctor look. It takes a while, and asks others: one at a time.
func (x *console) doctor(w http.ResponseWriter, req *http.Request) {
	if x.cfg.Doctor == nil {
		refuse(w, http.StatusNotFound, "there is no doctor here; 'dubbofn doctor' is one")
		return
	}
	select {
	case x.looking <- struct{}{}:
		defer func() { <-x.looking }()
	default:
		refuse(w, http.StatusTooManyRequests, "doctor is looking already, for somebody else")
		return
	}
	found, err := x.cfg.Doctor(req.Context())
	if err != nil {
		refuse(w, http.StatusBadGateway, err.Error())
		return
	}
	answer(w, http.StatusOK, map[string]any{"findings": found})
}

func answer(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"the answer can't be written as JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // the reader is gone: there is nobody to tell
}

func refuse(w http.ResponseWriter, status int, why string) {
	answer(w, status, map[string]string{"error": why})
}
