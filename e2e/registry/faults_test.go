package registry_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/registry"
)

// credentials gives what the server wants: nothing, or user and password "nacos" where it asks for a login.
func credentials(t *testing.T) (user, password string) {
	t.Helper()
	once := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := once.Get("http://" + address(t) + "/nacos/v1/ns/service/list?pageNo=1&pageSize=1")
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
		if took := time.Since(start); !errors.Is(err, registry.ErrUnreachable) && !errors.Is(err, context.DeadlineExceeded) || took > 3*time.Second {
			t.Errorf("%s: error is %v after %s, want ErrUnreachable or that of the context within 3 s", a, err, took)
		}
	}
}
