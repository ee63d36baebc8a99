package cloudevent

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/event"
)

func TestAServiceWithATokenIsCalledWithIt(t *testing.T) {
	t.Parallel()
	var s shop
	set, err := fn.NewSet("shop",
		fn.NewService("org.example.Shop", fn.Version("1.0.0"), fn.Group("g"), fn.Token("secret"), fn.Timeout(5*time.Second), fn.Method("tick", s.tick)),
		fn.NewService("org.example.Shop", fn.Version("1.0.0"), fn.Method("tick", s.tick)))
	if err != nil {
		t.Fatal(err)
	}
	h := hostOf(set)
	h.Rules = []event.Rule{{Call: event.Target{Service: "org.example.Shop", Version: "1.0.0", Group: "g", Method: "tick"}}}
	e, err := Events().open(t.Context(), h, Config{Mode: "binary", SeenFor: time.Minute, SeenMost: 1000, SeenBytes: 1 << 20, MaxEvent: 1 << 20, MaxBytes: 4 << 20, MaxBatch: 10, Hops: 3}, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := post(e, "1", "ce-specversion: 1.0", "ce-id: 1", "ce-source: /s", "ce-type: t")
	if w.Code != http.StatusAccepted || len(s.all()) != 1 {
		t.Errorf("%d %s, %v", w.Code, w.Body, s.all())
	}
	if err := e.Drain(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}
