package client_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/protect"
)

// obey writes a rule into the embedded registry, as an operator does.
func obey(t *testing.T, dir, key, rule string) {
	t.Helper()
	rules := filepath.Join(dir, "rules")
	if err := os.MkdirAll(rules, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(rules, url.PathEscape(key)), []byte(rule), 0o600); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for what a rule brings about.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after 10 s still not: %s", what)
		}
	}
}

func exhausted(err error, words string) bool {
	var e *invoker.Error
	return errors.As(err, &e) && e.Code == invoker.CodeExhausted && !e.Remote && strings.Contains(err.Error(), words)
}

func TestProtectLimitsCalls(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	start(t, dir, "users", service())
	s := refer(t, newClient(t, dir), client.Protect(protect.Config{
		Limits: protect.Limits{Concurrency: 1},
		Methods: map[string]protect.Limits{"fails": {Fallback: func(context.Context, *invoker.Invocation, error) (invoker.Result, error) {
			return invoker.Result{Value: "instead"}, nil
		}}, "getUser": {Rate: 1, Per: time.Hour}},
	}))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Call(ctx, "slow", nil) }()
	eventually(t, "the first call has begun", func() bool { methods, _ := s.Protection(); return methods["slow"].Calls == 1 })
	eventually(t, "a second call is refused while the first runs", func() bool {
		brief, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		return exhausted(s.Call(brief, "slow", nil), "DUBBOFN_CALL_LIMIT")
	})
	if err := s.Call(t.Context(), "nothing", nil); err != nil {
		t.Errorf("another method: %v", err)
	}
	cancel()
	if code, _ := invoker.CodeOf(<-ended); code != invoker.CodeCanceled {
		t.Errorf("the first call ended with %v", code)
	}
	if err := s.Call(t.Context(), "getUser", nil, 42); err != nil {
		t.Error(err)
	}
	if err := s.Call(t.Context(), "getUser", nil, 42); !exhausted(err, "more than 1 calls in 1h0m0s") {
		t.Errorf("the second call in an hour: %v", err)
	}
	var x *invoker.Exception
	if err := s.Call(t.Context(), "fails", nil); !errors.As(err, &x) {
		t.Errorf("the method's own exception gave %v in spite of it", err)
	}
	methods, _ := s.Protection()
	if st := methods["getUser"]; st.Calls != 2 || st.TooFast != 1 {
		t.Errorf("stats %+v", methods)
	}
}

func TestLimitsFromTheEnvironment(t *testing.T) {
	dir := t.TempDir() + "/registry"
	start(t, dir, "users", service())
	t.Setenv("DUBBOFN_REGISTRY", "embedded://"+dir)
	t.Setenv("DUBBOFN_CALL_RATE", "2")
	t.Setenv("DUBBOFN_CALL_LIMIT", "7")
	t.Setenv("DUBBOFN_BREAKER", "50")
	s, err := client.Reference(t.Context(), users)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	eventually(t, "a third call in a second", func() bool { return exhausted(s.Call(t.Context(), "nothing", nil), "more than 2 calls in 1s") })

	for name, value := range map[string]string{"DUBBOFN_CALL_RATE": "-1", "DUBBOFN_CALL_LIMIT": "9999999", "DUBBOFN_BREAKER": "101", "DUBBOFN_RETRY_BUDGET": "2000"} {
		t.Setenv(name, value)
	}
	_, err = client.FromEnvironment()
	for _, name := range []string{"DUBBOFN_CALL_RATE", "DUBBOFN_CALL_LIMIT", "DUBBOFN_BREAKER", "DUBBOFN_RETRY_BUDGET"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: nothing about %s", err, name)
		}
	}
}

// TestOperatorsLimitAndMock is Dubbo's parameters actives and mock, written while the consumer runs.
func TestOperatorsLimitAndMock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	start(t, dir, "users", service())
	s := refer(t, newClient(t, dir))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 8)
	eventually(t, "calls wait behind one that runs", func() bool {
		obey(t, dir, users+"::.configurators", "configVersion: v3.0\nscope: service\nkey: "+users+"\nconfigs:\n- side: consumer\n  parameters: {slow.actives: 1, getUser.mock: \"force:return {\\\"name\\\": \\\"nobody\\\"}\"}\n")
		var u User
		return s.Call(t.Context(), "getUser", &u, 42) == nil && u.Name == "nobody"
	})
	go func() { ended <- s.Call(ctx, "slow", nil) }()
	eventually(t, "a second call waits in vain", func() bool {
		brief, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		return exhausted(s.Call(brief, "slow", nil), "Dubbo's parameter actives")
	})
	cancel()
	<-ended
	if _, st := s.Protection(); st.Waits == 0 || st.Full == 0 {
		t.Errorf("stats %+v", st)
	}
	obey(t, dir, users+"::.configurators", "")
	eventually(t, "the rule is gone", func() bool {
		var u User
		return s.Call(t.Context(), "getUser", &u, 42) == nil && u.Name == "Ada"
	})
}
