package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"
)

// refusal is why a request does not reach its function.
type refusal struct {
	status int
	why    string
}

func (r *refusal) Error() string { return r.why }

func (f *function) newProxy() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme = "http"
			r.Out.Host = r.In.Host
		},
		Transport: f,
		ErrorLog:  slog.NewLogLogger(f.s.cfg.Log.Handler(), slog.LevelDebug),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			var r *refusal
			if errors.As(err, &r) {
				http.Error(w, r.why, r.status)
				return
			}
			http.Error(w, fmt.Sprintf("%s gave no answer: %v", f.Name, err), http.StatusBadGateway)
		},
	}
}

// RoundTrip sends a request to the function's process, which it starts where there is none. The request counts for the process until the
// response's body is closed.
func (f *function) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	for {
		p, err := f.acquire(r.Context())
		if err != nil {
			return nil, err
		}
		resp, err := p.transport.RoundTrip(p.addressed(r))
		if err == nil {
			resp.Body = &leased{resp.Body, sync.OnceFunc(func() { f.release(p) })}
			return resp, nil
		}
		f.release(p)
		var op *net.OpError
		if !errors.As(err, &op) || op.Op != "dial" {
			p.untilGone(r.Context(), noticed) // so that who asks again reaches the next process
			return nil, err
		}
		// The process has ended, or listens no more and will end: nothing was sent to it, so the next one may have the request.
		if !p.untilGone(r.Context(), f.s.cfg.Start) {
			return nil, err
		}
	}
}

// noticed is how long the end of a process takes to be noticed once its connections have broken.
const noticed = 100 * time.Millisecond

// untilGone waits until the process takes no requests any more; false: it still does.
func (p *process) untilGone(ctx context.Context, limit time.Duration) bool {
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case <-p.gone:
		return true
	case <-late.C:
	case <-ctx.Done():
	}
	return false
}

// addressed is a request for this process; its body is not closed with it.
func (p *process) addressed(r *http.Request) *http.Request {
	out, to := *r, *r.URL
	to.Host = p.address
	out.URL = &to
	if r.Body != nil && r.Body != http.NoBody {
		out.Body = io.NopCloser(r.Body)
	}
	return &out
}

// leased is a response's body whose request counts until it is closed.
type leased struct {
	io.ReadCloser
	release func()
}

// Close lets the process go.
func (l *leased) Close() error {
	defer l.release()
	return l.ReadCloser.Close()
}
