package fn_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/invoker"
)

func exhausted(err error, words string) bool {
	var e *invoker.Error
	return errors.As(err, &e) && e.Code == invoker.CodeExhausted && !e.MaybeExecuted && strings.Contains(err.Error(), words)
}

func TestLimitCallsAtOnce(t *testing.T) {
	t.Parallel()
	began, release := make(chan struct{}), make(chan struct{})
	wait := func() error { began <- struct{}{}; <-release; return nil }
	set := newSet(t, fn.NewService("org.x.S",
		fn.Method("slow", wait),
		fn.Method("slow", func(_ string) error { return wait() }), // an overload has no limit of its own
		fn.Method("free", func() error { return nil }, fn.Limit(3, 0)),
		fn.Method("panics", func() error { panic("as it must") }, fn.Limit(1, 0)),
		fn.Limit(2, 0)))
	ended := make(chan error)
	go func() { _, err := call(t, set, "org.x.S", "slow", ""); ended <- err }()
	go func() { _, err := call(t, set, "org.x.S", "slow", "Ljava/lang/String;", "x"); ended <- err }()
	<-began
	<-began
	if _, err := call(t, set, "org.x.S", "slow", ""); !exhausted(err, "call org.x.S.slow: 2 calls run already: the provider's limit (fn.Limit)") {
		t.Errorf("the third: %v", err)
	}
	if _, err := call(t, set, "org.x.S", "$invoke", "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;", "slow", []string{}, []any{}); !exhausted(err, "2 calls run already") {
		t.Errorf("the third without types: %v", err)
	}
	if _, err := call(t, set, "org.x.S", "free", ""); err != nil {
		t.Errorf("another method: %v", err)
	}
	close(release)
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	for range 3 {
		var x *invoker.Exception
		if _, err := call(t, set, "org.x.S", "panics", ""); !errors.As(err, &x) {
			t.Errorf("a panic kept its place: %v", err)
		}
	}
	if n := set.Refused(); n["org.x.S.slow"] != 2 || n["org.x.S.free"] != 0 {
		t.Errorf("refused: %v", n)
	}
}

func TestLimitCallsInASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		set := newSet(t, fn.NewService("org.x.S", fn.Method("do", func(context.Context) error { return nil }, fn.Limit(0, 2))))
		for range 2 {
			for range 2 {
				if _, err := call(t, set, "org.x.S", "do", ""); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := call(t, set, "org.x.S", "do", ""); !exhausted(err, "more than 2 calls in a second") {
				t.Errorf("the third: %v", err)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestLimitsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	do := func() error { return nil }
	_, err := fn.NewSet("a", fn.NewService("org.x.S", fn.Method("do", do, fn.Limit(-1, 0))))
	if err == nil || !strings.Contains(err.Error(), "limit of -1 calls at once") {
		t.Errorf("got %v", err)
	}
	_, err = fn.NewSet("a", fn.NewService("org.x.S", fn.Method("do", do, fn.Limit(1, 0)), fn.Method("do", func(string) error { return nil }, fn.Limit(2, 0))))
	if err == nil || !strings.Contains(err.Error(), "want the same") {
		t.Errorf("overloads with different limits: %v", err)
	}
}
