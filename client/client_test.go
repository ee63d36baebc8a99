package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/java"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const users = "org.example.UserService"

type User struct {
	ID    int64
	Name  string
	Tags  []string
	Boss  *User
	Email *string
}

// NoUser is the business exception that both ends declare.
type NoUser struct {
	ID      int64
	Message string
}

func (e *NoUser) Error() string { return e.Message }

func service(options ...fn.Option) *fn.Service {
	return fn.NewService(users, append([]fn.Option{
		fn.Method("getUser", func(id int64) (*User, error) {
			if id == 0 {
				return nil, &NoUser{ID: id, Message: "nobody has id 0"}
			}
			return &User{ID: id, Name: "Ada", Tags: []string{"a", "b"}, Boss: &User{ID: 1}}, nil
		}, fn.Throws[*NoUser](), fn.Idempotent),
		fn.Method("getUser", func(name string) (*User, error) { return &User{Name: name}, nil }, fn.Idempotent),
		fn.Method("sum", func(n ...int32) (sum int32, err error) {
			for _, v := range n {
				sum += v
			}
			return sum, nil
		}),
		fn.Method("find", func(u *User, limit int32) ([]*User, error) { return []*User{u, {ID: int64(limit)}}, nil }),
		fn.Method("slow", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }),
		fn.Method("fails", func() error { return errors.New("as it must") }),
		fn.Method("attachment", func(ctx context.Context, key string) (string, error) {
			return invoker.FromContext(ctx).Attachments.Get(key), nil
		}),
		fn.Method("nothing", func() error { return nil }),
	}, options...)...)
}

// start serves services in the embedded registry under dir until the test ends.
func start(t *testing.T, dir, app string, services ...serve.Part) serve.Addresses {
	t.Helper()
	return startWith(t, dir, app, func(*serve.Config) {}, services...)
}

func startWith(t *testing.T, dir, app string, change func(*serve.Config), services ...serve.Part) serve.Addresses {
	t.Helper()
	c, err := serve.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	change(&c)
	c.App, c.Port, c.HTTPPort, c.LogLevel, c.Registry = app, 0, 0, "error", []string{"embedded://" + dir}
	c.DrainQuiet = time.Millisecond
	ready := make(chan serve.Addresses, 1)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- serve.Run(ctx, c, append(services, serve.Hook(func(_ context.Context, at serve.Addresses) { ready <- at }))...)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	select {
	case at := <-ready:
		return at
	case err := <-done:
		done <- nil
		t.Fatalf("serve: %v", err)
	}
	return serve.Addresses{}
}

func newClient(t *testing.T, dir string) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{App: "consumer", Registry: []string{"embedded://" + dir}, PassOn: []string{"dubbo.tag", "TX_XID"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(c.Close(), c.Close()); err != nil {
			t.Error(err)
		}
	})
	return c
}

func refer(t *testing.T, c *client.Client, options ...client.Option) *client.Service {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	s, err := c.Reference(ctx, users, options...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCallsTakeAndGiveGoValues(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	start(t, dir, "users", service())
	s := refer(t, newClient(t, dir), client.Throws[*NoUser](), client.Method("sum", "int[]"))

	var u User
	if err := s.Call(t.Context(), "getUser", &u, 42); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(User{ID: 42, Name: "Ada", Tags: []string{"a", "b"}, Boss: &User{ID: 1}}, u); diff != "" {
		t.Error(diff)
	}
	var byName *User
	if err := s.Call(t.Context(), "getUser", &byName, "Grace"); err != nil || byName.Name != "Grace" {
		t.Errorf("the overload: %+v, %v", byName, err)
	}
	var all []*User
	if err := s.Call(t.Context(), "find", &all, &u, int32(7)); err != nil || len(all) != 2 || all[1].ID != 7 {
		t.Errorf("find: %v, %v", all, err)
	}
	var sum int32
	if err := s.Call(t.Context(), "sum", &sum, []int32{1, 2, 3}); err != nil || sum != 6 {
		t.Errorf("sum: %d, %v", sum, err)
	}
	if err := s.Call(t.Context(), "nothing", nil); err != nil {
		t.Error(err)
	}
	if err := s.OneWay(t.Context(), "nothing"); err != nil {
		t.Error(err)
	}

	err := s.Call(t.Context(), "getUser", &u, 0)
	var none *NoUser
	var e *invoker.Exception
	if !errors.As(err, &none) || none.Message != "nobody has id 0" || !errors.As(err, &e) || e.Class != "org.example.NoUser" {
		t.Errorf("error %v (%T), want both forms of the exception", err, err)
	}
	if err := s.Call(t.Context(), "fails", nil); !errors.As(err, &e) || e.Class != "java.lang.RuntimeException" || e.Message != "as it must" {
		t.Errorf("error %v", err)
	}
}

func TestGenericNeedsNoTypes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	start(t, dir, "users", service())
	s := refer(t, newClient(t, dir))
	v, err := s.Generic(t.Context(), "getUser", []string{"long"}, 42)
	if err != nil {
		t.Fatal(err)
	}
	if m, ok := v.(map[any]any); !ok || m["name"] != "Ada" || m["class"] != "org.example.User" {
		t.Errorf("%T %v", v, v)
	}
	if v, err = s.Generic(t.Context(), "nothing", nil); v != nil || err != nil {
		t.Errorf("%v, %v", v, err)
	}
	_, err = s.Generic(t.Context(), "getUser", []string{"long"}, 0)
	var e *invoker.Exception
	if !errors.As(err, &e) || e.Class != "org.example.NoUser" || e.Message != "nobody has id 0" {
		t.Errorf("error %v, want the exception behind GenericException", err)
	}
}

func TestBindFillsFunctionsAndReportsEveryFault(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	start(t, dir, "users", service())
	s := refer(t, newClient(t, dir))
	var f struct {
		GetUser   func(ctx context.Context, id int64) (*User, error)
		ByName    func(ctx context.Context, name string) (User, error) `dubbo:"getUser"`
		Sum       func(ctx context.Context, n ...int32) (int32, error)
		Nothing   func(ctx context.Context) error
		Unrelated int `dubbo:"-"`
	}
	if err := s.Bind(&f); err != nil {
		t.Fatal(err)
	}
	if u, err := f.GetUser(t.Context(), 42); err != nil || u.ID != 42 {
		t.Errorf("%v, %v", u, err)
	}
	if u, err := f.ByName(t.Context(), "Grace"); err != nil || u.Name != "Grace" {
		t.Errorf("%v, %v", u, err)
	}
	if n, err := f.Sum(t.Context(), 1, 2, 3); err != nil || n != 6 {
		t.Errorf("%v, %v", n, err)
	}
	if err := f.Nothing(t.Context()); err != nil {
		t.Error(err)
	}
	var bad struct {
		A func(id int64) error
		B func(ctx context.Context, c chan int) error
		C func(ctx context.Context, n int) error `java:"int,int"`
		D string
		e func(ctx context.Context) error
		F func(ctx context.Context, words []string) error `java:"java.util List"`
	}
	err := s.Bind(&bad)
	for _, want := range []string{"field A", "field B", "chan int", "field C", "2 parameters", "field D", "field e", "not exported", "field F", "java.util List"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
	_ = bad.e
	if err := s.Bind(f); err == nil {
		t.Error("a struct by value was taken")
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	start(t, dir, "users", service())
	c := newClient(t, dir)
	s := refer(t, c, client.Timeout(50*time.Millisecond))
	other := refer(t, c, client.Version("2.0"))
	var u User
	for name, c := range map[string]struct {
		err  error
		code invoker.Code
		text string
	}{
		"too slow":            {s.Call(t.Context(), "slow", nil), invoker.CodeTimeout, "deadline"},
		"no such method":      {s.Call(t.Context(), "getUsers", &u), invoker.CodeNotFound, "getUser"},
		"no such version":     {other.Call(t.Context(), "getUser", &u, 1), invoker.CodeUnavailable, "application users offers " + users + ":dubbo"},
		"not a pointer":       {s.Call(t.Context(), "getUser", u, 1), invoker.CodeClient, "want a pointer"},
		"a type Java has not": {s.Call(t.Context(), "getUser", &u, make(chan int)), invoker.CodeClient, "chan int"},
		"a result that isn't": {s.Call(t.Context(), "getUser", new(int32), 1), invoker.CodeBadResponse, "int"},
	} {
		if code, _ := invoker.CodeOf(c.err); c.err == nil || code != c.code || !strings.Contains(c.err.Error(), c.text) {
			t.Errorf("%s: %v; want %v with %q", name, c.err, c.code, c.text)
		}
	}
}

func TestReferenceReportsFaultsTogether(t *testing.T) {
	t.Parallel()
	c := newClient(t, t.TempDir()+"/registry")
	_, err := c.Reference(t.Context(), "not a name", client.Cluster("x"), client.Class[User]("1bad!"), client.Method("m", "no type"), client.URL("::"), client.Use(nil))
	for _, want := range []string{"not a name", "1bad!", "no type", "::", "filter is nil"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
	_, err = client.New(client.Config{Registry: []string{"etcd://a:1", "nacos://b:8848"}, Cluster: "failsoft", Retries: new(101)})
	if err == nil || !strings.Contains(err.Error(), `DUBBOFN_CLUSTER="failsoft"`) || !strings.Contains(err.Error(), `DUBBOFN_RETRIES="101"`) {
		t.Errorf("error %v", err)
	}
	_, err = client.New(client.Config{Registry: []string{"etcd://a:1"}})
	if err == nil || !strings.Contains(err.Error(), `no registry adapter "etcd", only embedded`) {
		t.Errorf("error %v", err)
	}
}

func TestAddressesNeedNoRegistry(t *testing.T) {
	t.Parallel()
	at := start(t, t.TempDir()+"/registry", "users", service(fn.Token("secret")))
	c := newClient(t, t.TempDir()+"/empty")
	s := refer(t, c, client.URL("dubbo://"+at.Dubbo.String()), client.Token("secret"))
	var u User
	if err := s.Call(t.Context(), "getUser", &u, 3); err != nil || u.ID != 3 {
		t.Errorf("%v, %v", u, err)
	}
	if err := refer(t, c, client.URL("dubbo://"+at.Dubbo.String())).Call(t.Context(), "getUser", &u, 3); err == nil {
		t.Error("called without the token")
	}
	if n := len(s.Providers()); n != 1 || s.Stats()[0].Cluster.Calls != 1 {
		t.Errorf("%d providers, %+v", n, s.Stats())
	}
}

func TestTheRegistryTellsTheToken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	start(t, dir, "users", service(fn.Token("secret")))
	s := refer(t, newClient(t, dir))
	var got string
	if err := s.Call(t.Context(), "attachment", &got, "token"); err != nil || got != "secret" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestAFunctionPassesOnWhatConcernsTheChain: consumer → function → its own call.
func TestAFunctionPassesOnWhatConcernsTheChain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	start(t, dir, "users", service())
	c := newClient(t, dir)
	s := refer(t, c)
	start(t, dir, "orders", fn.NewService("org.example.OrderService",
		fn.Method("forward", func(ctx context.Context, key string) (string, error) {
			var got string
			err := s.Call(ctx, "attachment", &got, key)
			return got, err
		}),
		fn.Method("slow", func(ctx context.Context) error { return s.Call(ctx, "slow", nil) }),
	))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	orders, err := c.Reference(ctx, "org.example.OrderService")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"TX_XID": "10.0.0.1:8091:42", "Dubbo.Tag": "gray", "private": "", "remote.application": "consumer"} {
		inv := &invoker.Invocation{Method: "forward", Args: []any{key}}
		inv.Attachments.Set("TX_XID", "10.0.0.1:8091:42")
		inv.Attachments.Set("Dubbo.Tag", "gray") // passed on whatever its case, under its own name
		inv.Attachments.Set("private", "mine")
		var got string
		inv.Into = &got
		if _, err := orders.Invoke(ctx, inv); err != nil || got != want {
			t.Errorf("%s arrived as %q, want %q: %v", key, got, want, err)
		}
	}
	short, cancelShort := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancelShort()
	begin := time.Now()
	_ = orders.Call(short, "slow", nil) // its own or the inner call's deadline: whichever is told first
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("took %v: the inner call did not have the caller's deadline", took)
	}
}

func TestReferenceOfItsOwnIsMadeFromTheEnvironment(t *testing.T) {
	dir := t.TempDir() + "/registry"
	t.Setenv("DUBBOFN_REGISTRY", "embedded://"+dir)
	start(t, dir, "users", service())
	s, err := client.Reference(t.Context(), users)
	if err != nil {
		t.Fatal(err)
	}
	var u User
	if err := s.Call(t.Context(), "getUser", &u, 8); err != nil || u.ID != 8 {
		t.Errorf("%v, %v", u, err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	c := newClient(t, dir)
	again, err := client.Reference(client.NewContext(t.Context(), c), users)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	t.Setenv("DUBBOFN_RETRIES", "many")
	if _, err := client.Reference(t.Context(), users); err == nil || !strings.Contains(err.Error(), `DUBBOFN_RETRIES="many"`) {
		t.Errorf("error %v", err)
	}
}

func TestDynamicValuesTravelToo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	start(t, dir, "users", service())
	s := refer(t, newClient(t, dir))
	var all []*User
	o := &java.Object{Class: "org.example.User"}
	if err := s.Call(t.Context(), "find", &all, o, int32(2)); err != nil || len(all) != 2 {
		t.Errorf("%v, %v", all, err)
	}
}

func TestTheFirstCallObeysTheRulesThatThereAre(t *testing.T) {
	t.Parallel()
	for _, migration := range []string{"APPLICATION_FIRST", "FORCE_INTERFACE"} {
		t.Run(migration, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir() + "/registry"
			at := start(t, dir, "users", service())
			_, port, _ := net.SplitHostPort(at.Dubbo.String())
			rule := fmt.Sprintf("configVersion: v3.0\nkey: users\ntags:\n- name: gray\n  addresses: ['*:%s']\n", port)
			if err := os.MkdirAll(dir+"/rules", 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(dir+"/rules/users.tag-router", []byte(rule), 0o600); err != nil {
				t.Fatal(err)
			}
			for range 20 {
				c, err := client.New(client.Config{Registry: []string{"embedded://" + dir}, Migration: migration})
				if err != nil {
					t.Fatal(err)
				}
				s, err := c.Reference(t.Context(), users)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Call(t.Context(), "getUser", nil, 1); err == nil || !strings.Contains(err.Error(), "the rules leave none of 1") {
					t.Fatalf("an untagged call beside a rule that tags the only provider: %v", err)
				}
				if err := c.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
