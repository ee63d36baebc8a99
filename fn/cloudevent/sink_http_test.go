package cloudevent

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/invoker"
)

func placed(t *testing.T) event.Event {
	t.Helper()
	e := event.New()
	e.SetID("1")
	e.SetSource("/shop")
	e.SetSubject("köln")
	e.SetType("org.example.order.placed")
	e.SetExtension("sw8", "1-abc")
	if err := e.SetData("application/json", map[string]int{"n": 1}); err != nil {
		t.Fatal(err)
	}
	return e
}

func sinkAt(url string, structured bool) *httpSink {
	return &httpSink{url: url, structured: structured, client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, log: slog.New(slog.DiscardHandler)}
}

func TestAnEventIsPostedInEitherMode(t *testing.T) {
	t.Parallel()
	got := make(chan map[string]string, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- map[string]string{"id": r.Header.Get("Ce-Id"), "subject": r.Header.Get("Ce-Subject"), "type": r.Header.Get("Content-Type"), "sw8": r.Header.Get("Sw8"), "body": string(body)}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer s.Close()
	if err := sinkAt(s.URL, false).Send(t.Context(), placed(t)); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"id": "1", "subject": "k%C3%B6ln", "type": "application/json", "sw8": "1-abc", "body": `{"n":1}`}
	if d := cmp.Diff(want, <-got); d != "" {
		t.Error(d)
	}
	if err := sinkAt(s.URL, true).Send(t.Context(), placed(t)); err != nil {
		t.Fatal(err)
	}
	structured := <-got
	var e event.Event
	if err := e.UnmarshalJSON([]byte(structured["body"])); err != nil || e.ID() != "1" || e.Subject() != "köln" {
		t.Errorf("%v, %v", e, err)
	}
	if structured["type"] != "application/cloudevents+json" || structured["id"] != "" || structured["sw8"] != "1-abc" {
		t.Errorf("%v", structured)
	}
}

func TestAnEventIsSentAgainWhereThatMayHelp(t *testing.T) {
	t.Parallel()
	for status, c := range map[int]struct {
		tries int64
		maybe bool
	}{
		400: {1, false}, 401: {1, false}, 403: {1, false}, 413: {1, false}, 301: {1, false},
		404: {sendTries, false}, 408: {sendTries, false}, 409: {sendTries, false}, 429: {sendTries, false}, 503: {sendTries, false},
		500: {sendTries, true}, 502: {sendTries, true},
	} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			var n atomic.Int64
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				n.Add(1)
				http.Error(w, "no", status)
			}))
			defer s.Close()
			err := sinkAt(s.URL, false).Send(t.Context(), placed(t))
			var fault *invoker.Error
			if !errors.As(err, &fault) || fault.MaybeExecuted != c.maybe || n.Load() != c.tries {
				t.Errorf("%d tries, %v; want %d, may be there: %v", n.Load(), err, c.tries, c.maybe)
			}
		})
	}
}

func TestASinkThatRecoversGetsTheEvent(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) < 3 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	defer s.Close()
	begun := time.Now()
	if err := sinkAt(s.URL, false).Send(t.Context(), placed(t)); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(begun); d < 2*time.Second {
		t.Errorf("two answers asked to wait a second, and it took %v", d)
	}
	n.Store(0)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	begun = time.Now()
	if err := sinkAt(s.URL, false).Send(ctx, placed(t)); err == nil || time.Since(begun) > 400*time.Millisecond {
		t.Errorf("%v after %v; want the refusal at once, since there is no time to wait", err, time.Since(begun))
	}
}

func TestTheErrorTellsWhetherTheEventMayBeThere(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	silent := l.Addr().String()
	accepted := make(chan net.Conn, sendTries)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var fault *invoker.Error
	if err := sinkAt("http://"+silent, false).Send(ctx, placed(t)); !errors.As(err, &fault) || fault.Code != invoker.CodeTimeout || !fault.MaybeExecuted {
		t.Errorf("silence: %v", err)
	}
	_ = l.Close()
	_ = (<-accepted).Close()
	if err := sinkAt("http://"+silent, false).Send(t.Context(), placed(t)); !errors.As(err, &fault) || fault.Code != invoker.CodeUnavailable || fault.MaybeExecuted {
		t.Errorf("nobody there: %v", err)
	}
}

func TestRetryAfterIsReadAndBounded(t *testing.T) {
	t.Parallel()
	for v, want := range map[string]time.Duration{"": 0, "3": 3 * time.Second, "-1": 0, "99999999": maxRetryWait, "soon": 0, "Mon, 02 Jan 2006 15:04:05 GMT": 0} {
		if got := retryAfter(http.Header{"Retry-After": {v}}); got != want {
			t.Errorf("%q: %v, want %v", v, got, want)
		}
	}
}
