package registry_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/registry"
)

// credentials gives what the server wants: nothing, or user and password "nacos" where it asks for a login.
func credentials(t *testing.T) (user, password string) {
	t.Helper()
	r, err := http.Get("http://" + address(t) + "/nacos/v1/ns/service/list?pageNo=1&pageSize=1")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode == http.StatusForbidden {
		return "nacos", "nacos"
	}
	return "", ""
}

func config(t *testing.T) registry.Config {
	t.Helper()
	user, password := credentials(t)
	return registry.Config{Scheme: "nacos", Addresses: []string{address(t)}, User: user, Password: password}
}

func mustOpen(t *testing.T, c registry.Config) registry.Registry {
	t.Helper()
	r, err := open(t.Context(), c)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return r
}

func registration(app, iface string) registry.Registration {
	return registry.Registration{
		Instance: registry.Instance{App: app, Host: "127.0.0.1", Port: 20880},
		Metadata: registry.Metadata{App: app, Services: []registry.Service{{Name: iface, Protocol: "dubbo"}}},
	}
}

func instances(t *testing.T, r registry.Registry, app string, want int, within time.Duration) {
	t.Helper()
	l, ok := r.(registry.Lookup)
	if !ok {
		t.Fatalf("%T is not a Lookup", r)
	}
	for end := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		all, err := l.Instances(t.Context(), registry.Name{App: app})
		if err == nil && len(all) == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("instances of %s are %v (%v) after %s, want %d", app, all, err, within, want)
		}
	}
}

func unique(name string) string { return name + "-" + strconv.FormatInt(time.Now().UnixNano(), 36) }

func TestWrongCredentialsAreRefusedWithTheServersReason(t *testing.T) {
	t.Parallel()
	c := config(t)
	if c.User == "" {
		r := mustOpen(t, c) // a server without logins takes anybody
		if _, err := r.Register(t.Context(), registration(unique("anybody"), "org.example.Anybody")); err != nil {
			t.Errorf("register: %v", err)
		}
		return
	}
	var refused *registry.Refusal
	c.Password = "wrong"
	if _, err := open(t.Context(), c); !errors.As(err, &refused) || strings.Contains(err.Error(), "wrong") {
		t.Errorf("open with a wrong password gives %v, want a refusal that does not show it", err)
	}
	t.Logf("refused: %v", refused)
	c.User, c.Password = "", ""
	r := mustOpen(t, c)
	refused = nil
	if _, err := r.Register(t.Context(), registration(unique("nobody"), "org.example.Nobody")); !errors.As(err, &refused) {
		t.Errorf("register without credentials gives %v, want a refusal", err)
	}
	t.Logf("refused: %v", refused)
}

func TestARefusedInstanceIsAnErrorWithTheServersReason(t *testing.T) {
	t.Parallel()
	r := mustOpen(t, config(t))
	reg := registration("not a name/"+unique("x"), "org.example.Refused")
	reg.Levels = registry.AppInstance
	_, err := r.Register(t.Context(), reg)
	var refused *registry.Refusal
	if !errors.As(err, &refused) || refused.Reason == "" {
		t.Fatalf("error is %v, want a refusal with a reason", err)
	}
	t.Logf("refused: %v", refused)
}

func TestNamespacesAndGroupsAreApart(t *testing.T) {
	t.Parallel()
	public := config(t)
	for _, c := range []map[string]string{{"namespace": "e2e-space"}, {"group": "E2E_GROUP"}} {
		apart := public
		apart.Params = c
		a, b, p := mustOpen(t, apart), mustOpen(t, apart), mustOpen(t, public)
		app := unique("apart")
		if _, err := a.Register(t.Context(), registration(app, "org.example.Apart")); err != nil {
			t.Fatal(err)
		}
		instances(t, b, app, 1, 10*time.Second)
		instances(t, p, app, 0, 0)
	}
	same := public
	same.Params = map[string]string{"namespace": "public", "group": "DEFAULT_GROUP"}
	app := unique("same")
	if _, err := mustOpen(t, same).Register(t.Context(), registration(app, "org.example.Same")); err != nil {
		t.Fatal(err)
	}
	instances(t, mustOpen(t, public), app, 1, 10*time.Second)
}

func TestADeadAddressIsPassedOver(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Addresses = []string{"127.0.0.1:9", c.Addresses[0]}
	for range 4 { // the SDK begins anywhere
		r := mustOpen(t, c)
		app := unique("passed")
		if _, err := r.Register(t.Context(), registration(app, "org.example.Passed")); err != nil {
			t.Fatal(err)
		}
		instances(t, r, app, 1, 10*time.Second)
	}
}

func TestAnUnreachableServerIsAnErrorInTime(t *testing.T) {
	t.Parallel()
	for _, a := range []string{"127.0.0.1:9", "192.0.2.1:8848"} { // refused, and swallowed
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		start := time.Now()
		_, err := open(ctx, registry.Config{Addresses: []string{a}})
		cancel()
		if took := time.Since(start); err == nil || took > 3*time.Second {
			t.Errorf("%s: error is %v after %s, want one within 3 s", a, err, took)
		}
	}
}

// wire carries the server's two ports, and can be cut or made to swallow what it carries.
type wire struct {
	t      *testing.T
	target string

	mu      sync.Mutex
	conns   map[net.Conn]bool
	cut     bool
	swallow bool
	base    int
}

func newWire(t *testing.T, target string) *wire {
	t.Helper()
	w := &wire{t: t, target: target, conns: map[net.Conn]bool{}}
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	for w.base = 38848; ; w.base++ {
		http, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(w.base)))
		if err != nil {
			continue
		}
		grpc, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(w.base+1000)))
		if err != nil {
			http.Close()
			continue
		}
		var wg sync.WaitGroup
		wg.Go(func() { w.serve(http, target) })
		wg.Go(func() { w.serve(grpc, net.JoinHostPort(host, strconv.Itoa(n+1000))) })
		t.Cleanup(func() { http.Close(); grpc.Close(); w.set(true, false); wg.Wait() })
		return w
	}
}

func (w *wire) serve(l net.Listener, target string) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		s, err := net.Dial("tcp", target)
		if err != nil {
			c.Close()
			continue
		}
		w.mu.Lock()
		if w.cut {
			c.Close()
			s.Close()
		} else {
			w.conns[c], w.conns[s] = true, true
		}
		w.mu.Unlock()
		wg.Go(func() { w.carry(c, s) })
		wg.Go(func() { w.carry(s, c) })
	}
}

func (w *wire) carry(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		w.mu.Lock()
		swallow := w.swallow
		w.mu.Unlock()
		if swallow {
			n = 0
		}
		if _, e := to.Write(b[:n]); e != nil || err != nil {
			return
		}
	}
}

// set cuts what is connected and refuses what comes, or swallows every byte. What was swallowed from is broken afterwards.
func (w *wire) set(cut, swallow bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if cut || w.swallow && !swallow {
		for c := range w.conns {
			c.Close()
		}
		clear(w.conns)
	}
	w.cut, w.swallow = cut, swallow
}

func TestARegistrationIsBackAfterTheNetworkIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		cut, swallow bool
		down         time.Duration
	}{
		{"connections cut and refused", true, false, 5 * time.Second},
		{"every byte swallowed", false, true, 25 * time.Second}, // longer than the server waits
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWire(t, address(t))
			through := config(t)
			through.Addresses = []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(w.base))}
			r, direct := mustOpen(t, through), mustOpen(t, config(t))
			app := unique("cut")
			if _, err := r.Register(t.Context(), registration(app, "org.example.Cut")); err != nil {
				t.Fatal(err)
			}
			instances(t, direct, app, 1, 10*time.Second)
			w.set(c.cut, c.swallow)
			start := time.Now()
			instances(t, direct, app, 0, 40*time.Second)
			t.Logf("gone after %s", time.Since(start).Round(time.Millisecond))
			time.Sleep(max(0, c.down-time.Since(start)))
			w.set(false, false)
			start = time.Now()
			instances(t, direct, app, 1, 30*time.Second)
			t.Logf("back after %s", time.Since(start).Round(time.Millisecond))
		})
	}
}
