package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/cold/activator"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/internal/tracetest"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/tracing"
	"github.com/dubbofn/dubbofn/tracing/skywalking"
)

// backend keeps its spans here.
type backend struct {
	tracetest.Recorder
	opened tracing.Config
	at     invoker.URL
}

func (*backend) Name() string { return "here" }

func (b *backend) Open(u invoker.URL, c tracing.Config) (tracing.Tracer, error) {
	b.at, b.opened = u, c
	return &b.Recorder, nil
}

func TestAnActivatorSendsSpansUnderItsOwnName(t *testing.T) {
	b := &backend{}
	f, err := front(t, func(c *Activator) {
		c.Tracing, c.TracingSample, c.Backends = "here://oap:11800", 0.25, []tracing.Backend{b}
		if err := os.WriteFile(filepath.Join(c.directory, "greet.json"), []byte(oneFunction), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	conn, err := dubbo.Dial(t.Context(), f.Dubbo.String(), dubbo.ConnConfig{})
	if err != nil {
		t.Fatal(err)
	}
	inv := &invoker.Invocation{Service: invoker.ServiceKey{Interface: "org.example.GreetService"}, Method: "hello", Args: []any{"Ada"}}
	for end := time.Now().Add(10 * time.Second); len(b.Spans()) == 0 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err := conn.Invoke(t.Context(), inv); err == nil {
			t.Error("nobody is there, and the call was answered")
		}
	}
	_ = conn.Close()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	all := b.Spans()
	if len(all) == 0 || all[0].Name != "org.example.GreetService.hello(String)" || all[0].Err == nil || b.Recorder.Open() > 0 || b.Closed() != 1 {
		t.Errorf("%d open, closed %d times: %+v", b.Recorder.Open(), b.Closed(), all)
	}
	if c := b.opened; c.Service != "dubbofn-activator" || c.Instance == "" || c.Function || *c.Sample != 0.25 || b.at.Host != "oap" {
		t.Errorf("%+v at %v", c, b.at)
	}
}

func TestWhereSpansGoIsChecked(t *testing.T) {
	_, err := settings(t, map[string]string{"DUBBOFN_TRACING": "jaeger://secret@a:1", "DUBBOFN_TRACING_SAMPLE": "2", "DUBBOFN_TRACING_SERVICE": ""})
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Fatal(err)
	}
	for _, want := range []string{`no tracing backend "jaeger"`, `DUBBOFN_TRACING_SAMPLE="2" is out of range; want 0 to 1`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

// serveGreet runs a function as Knative does, behind the activator of a directory, until the returned stop is called.
func serveGreet(t *testing.T, dir, tracingURL string) (stop func() error) {
	t.Helper()
	service := fn.NewService("org.example.GreetService", fn.Method("hello", func(name string) (string, error) { return "Hello, " + name + "!", nil }))
	set, err := fn.NewSet("greet", service)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := set.Describe().JSON()
	if err != nil {
		t.Fatal(err)
	}
	c, err := serve.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	c.App, c.KService, c.Token, c.Bind, c.HTTPPort, c.LogLevel, c.DrainQuiet, c.Tracing = "greet", "greet", "t", "127.0.0.1", 0, "error", time.Millisecond, tracingURL
	at, ended := make(chan serve.Addresses, 1), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		ended <- serve.Run(ctx, c, service, skywalking.Tracer, serve.Hook(func(_ context.Context, a serve.Addresses) { at <- a }))
	}()
	function, err := json.Marshal(activator.Function{App: "greet", URL: "http://" + (<-at).HTTP.String(), Manifest: activator.Manifest(manifest)})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "greet.json"), function, 0o600); err != nil {
		t.Fatal(err)
	}
	return func() error {
		cancel()
		return <-ended
	}
}

// A backend that refuses connections, or takes them and says nothing, costs a call nothing and the end no more than its budget.
func TestCallsTakeNoNoticeOfABackendThatIsAway(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	for name, at := range map[string]string{"silent": silent.Addr().String(), "gone": gone.Addr().String()} {
		var stop func() error
		f, err := front(t, func(c *Activator) {
			c.Tracing, c.DrainTimeout = "skywalking://"+at, time.Second
			stop = serveGreet(t, c.directory, c.Tracing)
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- f.Run(ctx) }()
		conn, err := dubbo.Dial(t.Context(), f.Dubbo.String(), dubbo.ConnConfig{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 300 {
			within, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			begin := time.Now()
			res, err := conn.Invoke(within, &invoker.Invocation{Service: invoker.ServiceKey{Interface: "org.example.GreetService"}, Method: "hello", Args: []any{"Ada"}})
			cancel()
			if code, _ := invoker.CodeOf(err); i == 0 && code == invoker.CodeNotFound { // the file is not read yet
				time.Sleep(20 * time.Millisecond)
				continue
			}
			if err != nil || res.Value != "Hello, Ada!" || time.Since(begin) > 2*time.Second {
				t.Fatalf("%s: call %d: %v %v after %v", name, i, res.Value, err, time.Since(begin))
			}
		}
		_ = conn.Close()
		begin := time.Now()
		cancel()
		if err := errors.Join(<-ended, stop()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(begin); took > 9*time.Second {
			t.Errorf("%s: the end took %v", name, took)
		}
	}
}
