package cloudevent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/invoker"
)

// Order and Placed are what the tests' service takes and gives.
type Order struct {
	ID    string
	Items []Item
	Total float64
}

type Item struct {
	SKU   string
	Count int32
}

type Placed struct {
	Number string
	By     string
}

// shop is a service whose calls are noted.
type shop struct {
	mu    sync.Mutex
	calls []string
	gate  chan struct{} // nil: none waits
	in    chan struct{}
}

func (s *shop) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, what)
}

func (s *shop) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.calls...)
}

var errSoldOut = errors.New("sold out")

func (s *shop) place(_ context.Context, o *Order, by string) (*Placed, error) {
	if o == nil {
		return nil, errors.New("no order")
	}
	s.note("place " + o.ID + " " + by)
	if s.gate != nil {
		s.in <- struct{}{}
		<-s.gate
	}
	switch o.ID {
	case "sold-out":
		return nil, &invoker.Exception{Class: "org.example.SoldOut", Message: errSoldOut.Error()}
	case "later":
		return nil, &invoker.Exception{Class: "org.example.Later", Message: "not now"}
	case "full":
		return nil, invoker.Errorf(invoker.CodeExhausted, "", "no room")
	case "slow":
		return nil, invoker.Errorf(invoker.CodeTimeout, "", "too late")
	case "unreachable":
		return nil, fmt.Errorf("reserve: %w", &invoker.Error{Code: invoker.CodeUnavailable, Op: "call stock", Err: errSoldOut, Remote: true})
	case "broken":
		return nil, errors.New("broken")
	}
	return &Placed{Number: "n-" + o.ID, By: by}, nil
}

func (s *shop) tick(v any) error {
	text, _ := dataOf(v)
	s.note("tick " + string(text))
	return nil
}

func (s *shop) fail() (string, error) { return "", &invoker.Exception{Class: "x.Y", Message: "always"} }

var placeRule = event.Rule{
	Name: "place", On: event.Match{Type: "order.placed"}, Call: event.Target{Service: "org.example.Shop", Method: "place"},
	Args:   []event.Arg{{From: "data.order"}, {From: "attribute:source"}},
	Reply:  &event.Reply{Type: "order.accepted"},
	Errors: map[string]string{"org.example.SoldOut": event.Answer, "org.example.Later": event.Retry},
}

var tickRule = event.Rule{Name: "tick", On: event.Match{Type: "lab.*"}, Call: event.Target{Service: "org.example.Shop", Method: "tick"}}

// hostOf makes what a process offers of a set.
func hostOf(set *fn.Set) event.Host {
	return event.Host{
		App: "shop", Method: set.EventMethod, ReadHessian: set.ReadHessian, Log: slog.New(slog.DiscardHandler),
		Local: invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
			next, _, err := set.Lookup([]byte(inv.Service.Interface), []byte(inv.Service.Version), []byte(inv.Method), []byte(inv.Descriptor))
			if err != nil {
				return invoker.Result{}, err
			}
			return next.Invoke(ctx, inv)
		}),
	}
}

func (s *shop) set(t testing.TB) *fn.Set {
	t.Helper()
	set, err := fn.NewSet("shop", fn.NewService("org.example.Shop", fn.Timeout(5*time.Second),
		fn.Method("place", s.place), fn.Method("tick", s.tick), fn.Method("fail", s.fail)))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// open makes the receiver with settings that the environment would give.
func (s *shop) open(t testing.TB, change func(*Config, *event.Host), rules ...event.Rule) *events {
	t.Helper()
	cfg := Config{Mode: "binary", SeenFor: time.Minute, SeenMost: 1000, SeenBytes: 1 << 20, MaxEvent: 1 << 20, MaxBytes: 4 << 20, MaxBatch: 10, Hops: 3, Origins: "*"}
	h := hostOf(s.set(t))
	h.Rules = rules
	if rules == nil {
		h.Rules = []event.Rule{placeRule, tickRule}
	}
	if change != nil {
		change(&cfg, &h)
	}
	e, err := Events().open(t.Context(), h, cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := errors.Join(e.Drain(ctx), e.Close(ctx)); err != nil {
			t.Error(err)
		}
	})
	return e
}

// post sends headers ("name: value") and a body.
func post(h http.Handler, body string, headers ...string) *httptest.ResponseRecorder {
	return send(h, http.MethodPost, body, headers...)
}

func send(h http.Handler, method, body string, headers ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequestWithContext(context.Background(), method, "/", strings.NewReader(body))
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ":")
		req.Header.Add(name, strings.TrimSpace(value))
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

func orderEvent(id, order string) (body string, headers []string) {
	return `{"order":{"id":"` + order + `","items":[{"sku":"a","count":2}],"total":1.5}}`,
		[]string{"ce-specversion: 1.0", "ce-id: " + id, "ce-source: /web", "ce-type: order.placed", "content-type: application/json", "prefer: reply"}
}
