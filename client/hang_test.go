package client_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
)

// TestAProviderThatHangsCostsTriesAndNoCalls has two providers, of which one reads nothing for a while and keeps its connections, as a
// stopped process does.
func TestAProviderThatHangsCostsTriesAndNoCalls(t *testing.T) {
	t.Parallel()
	ill, well := newLiar(t), newLiar(t)
	var mu sync.Mutex
	tries := map[string][]cluster.Try{}
	at := func(p *liar) []cluster.Try {
		mu.Lock()
		defer mu.Unlock()
		return tries[p.l.Addr().String()]
	}
	s := refer(t, newClient(t, t.TempDir()), client.URL(fmt.Sprintf("dubbo://%s,%s", ill.l.Addr(), well.l.Addr())),
		client.Idempotent("good"), client.Timeout(10*time.Second), client.TryTimeout(500*time.Millisecond),
		client.OnTry(func(e cluster.Try) {
			mu.Lock()
			defer mu.Unlock()
			tries[e.Address] = append(tries[e.Address], e)
		}))
	call := func(n int) {
		t.Helper()
		for range n {
			if err := s.Call(t.Context(), "good", nil); err != nil {
				t.Error(err)
			}
		}
	}
	call(100)
	if a, b := len(at(ill)), len(at(well)); a+b != 100 || a == 0 || b == 0 {
		t.Errorf("%d and %d tries of 100 calls", a, b)
	}
	ill.hung.Lock()
	before := len(at(ill))
	call(200)
	after := at(ill)[before:]
	ill.hung.Unlock()
	if len(after) != 1 {
		t.Fatalf("%d tries at the provider that hangs, want one: %+v", len(after), after)
	}
	e := after[0]
	if code, _ := invoker.CodeOf(e.Err); code != invoker.CodeTimeout || e.Took < 500*time.Millisecond || e.Method != "good" || e.Service.Interface != users || e.Begin.IsZero() {
		t.Errorf("the try there is told as %+v", e)
	}
	eventually(t, "the provider that is well again gets calls", func() bool { call(10); return len(at(ill)) > before+len(after)+10 })
}
