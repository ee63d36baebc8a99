package doctor

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/metadataservice"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const greetService = "org.example.GreetService"

// ward is a registry of a test's own, with what is registered in it.
type ward struct {
	t   *testing.T
	url string
	reg registry.Registry
}

func newWard(t *testing.T) *ward {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "registry")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	reg, err := registry.Embedded.Open(t.Context(), registry.Config{Params: map[string]string{"dir": dir}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reg.Close() })
	return &ward{t: t, url: "embedded://?dir=" + dir, reg: reg}
}

func (w *ward) register(r registry.Registration) {
	w.t.Helper()
	if _, err := w.reg.Register(w.t.Context(), r); err != nil {
		w.t.Fatal(err)
	}
}

// provider serves an application's services and MetadataService on a port of its own, and gives what it registers.
func (w *ward) provider(app string, certs *auth.TLS, services ...*fn.Service) registry.Registration {
	w.t.Helper()
	plain, err := fn.NewSet(app, services...)
	if err != nil {
		w.t.Fatal(err)
	}
	m := metadataservice.Metadata(plain.Describe())
	if certs != nil {
		for i := range m.Services {
			m.Services[i].Params["ssl-enabled"] = "true"
		}
	}
	all, err := fn.NewSet(app, append(services, metadataservice.New(m, plain.Definitions()))...)
	if err != nil {
		w.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if certs != nil {
		if l, err = certs.Listen(l); err != nil {
			w.t.Fatal(err)
		}
	}
	server := dubbo.NewServer(all, dubbo.ServerConfig{Types: all.Types()})
	ctx, stop := context.WithCancel(context.WithoutCancel(w.t.Context()))
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, l) }()
	w.t.Cleanup(func() { stop(); <-done })
	return registry.Registration{Instance: registry.Instance{App: app, Host: "127.0.0.1", Port: port}, Metadata: m, Definitions: plain.Definitions()}
}

func greet(options ...fn.Option) *fn.Service {
	return fn.NewService(greetService, append(options, fn.Method("hello", func(s string) (string, error) { return s, nil }))...)
}

// activator answers as one for operators does.
func (w *ward) activator(functions []function, starts []start) (admin string) {
	w.t.Helper()
	write := func(v any) http.HandlerFunc {
		return func(out http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(out).Encode(v) }
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/health/ready", func(http.ResponseWriter, *http.Request) {})
	mux.Handle("/api/functions", write(functions))
	mux.Handle("/api/ledger", write(starts))
	s := httptest.NewServer(mux)
	w.t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func (w *ward) config() Config {
	return Config{Registry: []string{w.url}, Services: []string{greetService}}
}

// check examines, and gives the finding of one check; its state is "" where there is none.
func (w *ward) check(c Config, name string) (Finding, []Finding) {
	w.t.Helper()
	all, err := Check(w.t.Context(), c)
	if err != nil {
		w.t.Fatal(err)
	}
	var worst Finding
	for _, f := range all {
		if f.Check == name && (worst.Check == "" || f.State.rank() > worst.State.rank()) {
			worst = f
		}
	}
	return worst, all
}

// unused is a port where nobody listens.
func unused(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	n, _ := strconv.Atoi(port)
	return n
}

const second = int64(time.Second / time.Microsecond)
