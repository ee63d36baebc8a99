package activator

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/certtest"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
)

// serveH2C serves over TCP until the test ends, and gives the address.
func serveH2C(t testing.TB, h http.Handler, wrap func(net.Listener) net.Listener) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	protocols.SetHTTP2(true)
	web := &http.Server{Handler: h, Protocols: &protocols, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	if wrap != nil {
		l = wrap(l)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = web.Serve(l) }()
	t.Cleanup(func() { _ = web.Close(); <-done })
	return address
}

// warm is a function that is always awake.
func warm(t testing.TB) http.Handler {
	t.Helper()
	set, err := fn.NewSet("greet", fn.NewService(greetService, fn.Version("1.0.0"), fn.Method("hello", func(_ context.Context, id string) (string, error) { return "hello " + id, nil })))
	if err != nil {
		t.Fatal(err)
	}
	lane := dubbo.NewServer(set, dubbo.ServerConfig{Types: set.Types(), Token: token}).Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(headerKnock) != "" {
			w.Header().Set(headerHold, "240")
			return
		}
		lane.ServeHTTP(w, r)
	})
}

// overTCP runs an activator on loopback until the test ends, and gives its address.
func overTCP(t testing.TB, f Function, change func(*Config)) (*Activator, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Host: "127.0.0.1", Dubbo: l, Token: token, Drain: 5 * time.Second}
	c.Server.Quiet = 10 * time.Millisecond
	if change != nil {
		change(&c)
	}
	a, err := New(c, &listed{all: []Function{f}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	until(t, "it serves", func() bool { return a.phase.Load() == nil })
	return a, l.Addr().String()
}

func dialDubbo(t testing.TB, address string, cfg dubbo.ConnConfig) *dubbo.Conn {
	t.Helper()
	c, err := dubbo.Dial(t.Context(), address, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestTLSOnBothSides(t *testing.T) {
	t.Parallel()
	ca, err := certtest.New(t.TempDir(), "ca")
	if err != nil {
		t.Fatal(err)
	}
	files := func(name string) *auth.TLS {
		cert, key, err := ca.Issue(name, "127.0.0.1", time.Now().UnixNano(), time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		x, err := auth.NewTLS(auth.TLSConfig{CertFile: cert, KeyFile: key, CAFile: ca.File})
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	front, client, function := files("front"), files("client"), files("function")
	address := serveTLS(t, warm(t), function)
	f := offering(t, "greet", "greet", "https://"+address, fn.Version("1.0.0"))
	a, at := overTCP(t, f, func(c *Config) { c.ServerTLS, c.ClientTLS = front, client })
	c := dialDubbo(t, at, dubbo.ConnConfig{TLS: client.Client()})
	mustHello(t, c, "over TLS")
	for _, s := range a.apps["greet"].app.metadata.Services {
		if s.Params["ssl-enabled"] != "true" {
			t.Errorf("consumers are not told of TLS: %v", s.Params)
		}
	}
	plain := dialDubbo(t, at, dubbo.ConnConfig{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := callWith(ctx, plain, invocation("hello", "plain")); err == nil {
		t.Error("a plain consumer is served")
	}
}

// serveTLS serves HTTP/2 over TLS.
func serveTLS(t testing.TB, h http.Handler, x *auth.TLS) string {
	t.Helper()
	cfg, err := x.Server()
	if err != nil {
		t.Fatal(err)
	}
	each := cfg.GetConfigForClient
	srv := httptest.NewUnstartedServer(h)
	srv.EnableHTTP2 = true
	cfg.NextProtos = []string{"h2"}
	m, err := each(nil)
	if err != nil {
		t.Fatal(err)
	}
	m.NextProtos = []string{"h2"}
	srv.TLS = m
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "https://")
}

func TestAdminTellsWhatIsGoingOn(t *testing.T) {
	t.Parallel()
	f := offering(t, "greet", "greet", "http://"+serveH2C(t, warm(t), nil), fn.Version("1.0.0"))
	a, at := overTCP(t, f, nil)
	c := dialDubbo(t, at, dubbo.ConnConfig{})
	mustHello(t, c, "one")
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		b, err := io.ReadAll(w.Result().Body)
		if err != nil {
			t.Fatal(err)
		}
		return w.Code, string(b)
	}
	for path, want := range map[string][]string{
		"/health/live":   {"ok"},
		"/health/ready":  {"ok"},
		"/api/functions": {`"app": "greet"`, `"state": "awake"`, `"visible": true`},
		"/api/ledger":    {`"app": "greet"`, `"lane": "http"`},
		"/metrics": {
			`dubbofn_activator_calls_total{app="greet",lane="http"} 1`, `dubbofn_activator_knocks_total{app="greet",outcome="sent"} 1`,
			`dubbofn_activator_parked_calls{app="greet"} 0`, `dubbofn_activator_wakes_total{app="greet",lane="http"} 1`, `dubbofn_activator_wake_seconds_count{app="greet"} 1`,
			"dubbofn_activator_functions 1", "dubbofn_activator_connections 1",
		},
	} {
		code, text := get(path)
		for _, w := range want {
			if code != http.StatusOK || !strings.Contains(text, w) {
				t.Errorf("%s: %d, want %q in\n%s", path, code, w, text)
			}
		}
	}
	a.is("draining")
	if code, text := get("/health/ready"); code != http.StatusServiceUnavailable || !strings.Contains(text, "draining") {
		t.Errorf("ready: %d %q", code, text)
	}
}

// BenchmarkWarmCall is a call through the activator to a function that is awake, all in one process: the consumer's, the activator's and the
// function's share. BenchmarkBarePost is what the function's share and the bare client's take.
func BenchmarkWarmCall(b *testing.B) {
	f := offering(b, "greet", "greet", "http://"+serveH2C(b, warm(b), nil), fn.Version("1.0.0"))
	_, at := overTCP(b, f, nil)
	c := dialDubbo(b, at, dubbo.ConnConfig{})
	id := strings.Repeat("x", 200)
	mustHello(b, c, id)
	b.Run("one at a time", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := callWith(b.Context(), c, invocation("hello", id)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("64 at once", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := callWith(b.Context(), c, invocation("hello", id)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

func BenchmarkBarePost(b *testing.B) {
	url := "http://" + serveH2C(b, warm(b), nil) + "/dubbo"
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Transport{Protocols: &protocols, DisableCompression: true}
	defer client.CloseIdleConnections()
	frame := frameOf(b, invocation("hello", strings.Repeat("x", 200)))
	post := func() error {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, strings.NewReader(frame))
		if err != nil {
			return err
		}
		req.Header = http.Header{"Content-Type": contentTypes, headerToken: {token}}
		resp, err := client.RoundTrip(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	b.Run("one at a time", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := post(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("64 at once", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := post(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

// frameOf is the frame of a call, as a consumer writes it.
func frameOf(t testing.TB, inv *invoker.Invocation) string {
	t.Helper()
	near, far := net.Pipe()
	c := dubbo.NewConn(near, dubbo.ConnConfig{})
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	wg.Go(func() { _, _ = callWith(ctx, c, inv) })
	room := make([]byte, 4096)
	n, err := far.Read(room)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	wg.Wait()
	_ = c.Close()
	_ = far.Close()
	return string(room[:n])
}

func TestAConsumerThatReadsNothingKeepsNobodyElseWaiting(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 200<<10)
	set, err := fn.NewSet("greet", fn.NewService(greetService, fn.Version("1.0.0"),
		fn.Method("hello", func(_ context.Context, id string) (string, error) { return "hello " + id, nil }),
		fn.Method("much", func(context.Context) (string, error) { return big, nil })))
	if err != nil {
		t.Fatal(err)
	}
	lane := dubbo.NewServer(set, dubbo.ServerConfig{Types: set.Types(), Token: token}).Handler()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(headerKnock) != "" {
			w.Header().Set(headerHold, "240")
			return
		}
		lane.ServeHTTP(w, r)
	})
	manifest, err := set.Describe().JSON()
	if err != nil {
		t.Fatal(err)
	}
	f := Function{Name: "greet", URL: "http://" + serveH2C(t, h, nil), Manifest: manifest}
	a, at := overTCP(t, f, func(c *Config) { c.Forwards, c.Server.QueueBytes = 4, 1<<20 })
	other := dialDubbo(t, at, dubbo.ConnConfig{})
	mustHello(t, other, "before")
	greedy, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = greedy.Close() }()
	frame := frameOf(t, invocation("much"))
	go func() {
		for range 200 { // and never reads
			if _, err := io.WriteString(greedy, frame); err != nil {
				return
			}
		}
	}()
	until(t, "answers wait for the one that reads nothing", func() bool { return a.stats().InFlight > 0 && a.stats().Bytes > 200<<10 })
	for i := range 100 {
		mustHello(t, other, strings.Repeat("y", i))
	}
}
