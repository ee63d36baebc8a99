package serve

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/fn"
)

// sendKnock sends a knock and gives what ends when its body does.
func sendKnock(t *testing.T, address string) (http.Header, <-chan time.Time) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/dubbo", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Dubbofn-Token", testToken)
	r.Header.Set(headerKnock, "1")
	resp, err := h2c(t).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan time.Time, 1)
	go func() {
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if len(b) > 0 || err != nil {
			t.Errorf("the body is %q, %v", b, err)
		}
		ended <- time.Now()
	}()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("got %s", resp.Status)
	}
	return resp.Header, ended
}

// slow is a service whose calls run until they are let go.
func slow(letGo <-chan struct{}) *fn.Service {
	return fn.NewService(greetService, fn.Method("hello", func(string) (string, error) { <-letGo; return "done", nil }))
}

func TestKnockIsHeldWhileEarlyLanesAreBusy(t *testing.T) {
	t.Parallel()
	act := newReplica(t, testToken, nil).start()
	c := knativeConfig(t)
	c.Activator, c.Hold = act.address(), 100*time.Second
	letGo := make(chan struct{})
	at, _ := start(t, c, slow(letGo))
	l := act.lane()

	begin := time.Now()
	header, ended := sendKnock(t, at.HTTP.String())
	if header.Get("Dubbofn-Instance") != instanceName() || header.Get(headerHold) != "100" {
		t.Errorf("got %v", header)
	}
	if at := <-ended; at.Sub(begin) < knockGrace {
		t.Errorf("no call came, and it was held %v: want %v", at.Sub(begin), knockGrace)
	}
	answered := make(chan error, 1)
	call := frame(t, "hello")
	go func() {
		_, _, err := post(t, l, "greet", call, nil)
		answered <- err
	}()
	until(t, "the call runs", func() bool { return l.InFlight() == 1 })
	_, ended = sendKnock(t, at.HTTP.String())
	_, again := sendKnock(t, at.HTTP.String())
	select {
	case <-ended:
		t.Error("the knock ended while a call ran")
	case <-time.After(2 * knockGrace):
	}
	close(letGo)
	if err := <-answered; err != nil {
		t.Error(err)
	}
	<-ended
	<-again
	begin = time.Now()
	if _, ended := sendKnock(t, at.HTTP.String()); (<-ended).Sub(begin) > knockGrace {
		t.Error("calls came and went before the knock, and it was held")
	}
}

// The activator's knock lasts until that lets it go: the call that it stands for may be with another process.
func TestKnockOfTheActivatorLastsUntilItIsLetGo(t *testing.T) {
	t.Parallel()
	letGo := make(chan struct{})
	close(letGo)
	at, _ := start(t, knativeConfig(t), slow(letGo))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+at.HTTP.String()+"/dubbo", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Dubbofn-Token", testToken)
	r.Header.Set(headerKnock, knockHold)
	resp, err := h2c(t).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		ended <- err
	}()
	select {
	case err := <-ended:
		t.Errorf("no call of this process's runs, and the knock ended: %v", err)
	case <-time.After(3 * knockGrace):
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestKnockEndsWithItsHold(t *testing.T) {
	t.Parallel()
	act := newReplica(t, testToken, nil).start()
	c := knativeConfig(t)
	c.Activator, c.Hold = act.address(), time.Second
	letGo := make(chan struct{})
	at, _ := start(t, c, slow(letGo))
	l := act.lane()
	call := frame(t, "hello")
	answered := make(chan error, 1)
	go func() {
		_, _, err := post(t, l, "greet", call, nil)
		answered <- err
	}()
	until(t, "the call runs", func() bool { return l.InFlight() == 1 })
	begin := time.Now()
	if _, ended := sendKnock(t, at.HTTP.String()); (<-ended).Sub(begin) < time.Second {
		t.Error("it ended before its time")
	}
	close(letGo)
	if err := <-answered; err != nil {
		t.Error(err)
	}
}

// Strangers get nowhere, and leave nothing.
func TestKnockAndSnapshotAskForTheToken(t *testing.T) {
	t.Parallel()
	c := knativeConfig(t)
	at, _ := start(t, c, greeter())
	for _, headers := range []map[string]string{{headerKnock: "1"}, {headerSnapshot: "1"}} {
		headers["Dubbofn-Token"] = "a guess"
		resp, _, err := post(t, h2c(t), at.HTTP.String(), nil, headers)
		if err != nil || resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("Dubbofn-Refused") != "token" {
			t.Errorf("%v: %v, %v", headers, resp, err)
		}
	}
	c = testConfig(t) // without a token
	at, _ = start(t, c, greeter())
	if resp, _, err := post(t, h2c(t), at.HTTP.String(), nil, map[string]string{headerSnapshot: "1"}); err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("%v, %v", resp, err)
	}
}

func TestKnocksThatAreTooManyAreRefused(t *testing.T) {
	t.Parallel()
	f := &function{config: Config{Hold: time.Hour}, calls: newLaneCalls(), isReady: make(chan struct{}), leaving: make(chan struct{})}
	f.calls.knocks.Store(maxKnocks)
	w := &recorder{header: http.Header{}}
	f.knock(w, &http.Request{Header: http.Header{headerKnock: {"1"}}})
	if w.status != http.StatusServiceUnavailable || w.header.Get("Dubbofn-Refused") != "full" || f.calls.knocks.Load() != maxKnocks {
		t.Errorf("got %d, %v", w.status, w.header)
	}
	f.calls.knocks.Store(0)
	close(f.leaving)
	f.knock(w, &http.Request{Header: http.Header{headerKnock: {"1"}}})
	if w.header.Get("Dubbofn-Refused") != "drained" {
		t.Errorf("at the end: %d, %v", w.status, w.header)
	}
}

type recorder struct {
	header http.Header
	status int
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(b []byte) (int, error) { return len(b), nil }
func (r *recorder) WriteHeader(status int)      { r.status = status }
