package cloudevent

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/fn/event"
)

func TestRequestsThatComeWhileItDrainsAreRefusedOrWaitedFor(t *testing.T) {
	t.Parallel()
	for round := range 20 {
		var s shop
		h := hostOf(s.set(t))
		h.Rules = []event.Rule{tickRule}
		e, err := Events().open(t.Context(), h, Config{Mode: "binary", SeenFor: time.Minute, SeenMost: 1000, SeenBytes: 1 << 20, MaxEvent: 1 << 20, MaxBytes: 4 << 20, MaxBatch: 10, Hops: 3, Origins: "*"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var senders sync.WaitGroup
		for i := range 4 {
			senders.Go(func() {
				for j := range 20 {
					w := post(e, "1", "ce-specversion: 1.0", fmt.Sprintf("ce-id: %d-%d", i, j), "ce-source: /s", "ce-type: lab.tick")
					if w.Code != http.StatusAccepted && w.Code != http.StatusServiceUnavailable {
						t.Errorf("round %d: %d %s", round, w.Code, w.Body)
					}
				}
			})
		}
		if err := e.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		before := len(s.all())
		senders.Wait()
		if after := len(s.all()); after != before {
			t.Errorf("round %d: %d calls ran after the drain", round, after-before)
		}
	}
}

func TestADrainIsCutOffByItsLimitAndSaysSo(t *testing.T) {
	t.Parallel()
	s := shop{gate: make(chan struct{}), in: make(chan struct{}, 1)}
	h := hostOf(s.set(t))
	h.Rules = []event.Rule{placeRule}
	e, err := Events().open(t.Context(), h, Config{Mode: "binary", SeenFor: time.Minute, SeenMost: 1000, SeenBytes: 1 << 20, MaxEvent: 1 << 20, MaxBytes: 4 << 20, MaxBatch: 10, Hops: 3, Origins: "*"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, headers := orderEvent("1", "a")
	ended := make(chan int, 1)
	go func() { ended <- post(e, body, headers...).Code }()
	<-s.in
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := e.Drain(ctx); err == nil || !strings.Contains(err.Error(), "drain events") {
		t.Errorf("%v", err)
	}
	close(s.gate)
	if code := <-ended; code != http.StatusOK {
		t.Errorf("the event under way was answered with %d", code)
	}
}
