package daemon

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/internal/tracetest"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/tracing"
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
