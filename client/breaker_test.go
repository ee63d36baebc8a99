package client_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/invoker"
)

// TestBreakerLeavesOutAProviderThatAnswersNothing has two providers, of which one falls silent and comes back.
func TestBreakerLeavesOutAProviderThatAnswersNothing(t *testing.T) {
	t.Parallel()
	ill, well := newLiar(t), newLiar(t)
	c, err := client.New(client.Config{App: "consumer", Registry: []string{"embedded://" + t.TempDir()}, Breaker: 50, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	s := refer(t, c, client.URL(fmt.Sprintf("dubbo://%s,%s", ill.l.Addr(), well.l.Addr())), client.Cluster("failfast"), client.Timeout(150*time.Millisecond))
	call := func(n int) (failed int) {
		for range n {
			err := s.Call(t.Context(), "good", nil)
			if err == nil {
				continue
			}
			failed++
			if code, _ := invoker.CodeOf(err); code != invoker.CodeTimeout {
				t.Errorf("got %v, want only timeouts", err)
			}
		}
		return failed
	}
	if n := call(50); n != 0 {
		t.Errorf("%d calls failed while both are well", n)
	}
	ill.silent.Store(true)
	lost := call(200)
	_, stats := s.Protection()
	if lost < 20 || lost > 25 || stats.Opened != 1 {
		t.Errorf("%d of 200 calls were lost, the breaker opened %d times; want it to open after 20", lost, stats.Opened)
	}
	ill.silent.Store(false)
	before := ill.good.Load()
	eventually(t, "the provider that is well again gets calls", func() bool { call(20); return ill.good.Load() > before+50 })
}
