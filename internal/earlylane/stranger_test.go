package earlylane

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// One that only knows names gets neither a place among those that get ready nor a snapshot made.
func TestAStrangerIsNotGreeted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, a := net.Pipe()
		guess := handshake{token: "a guess", hello: greet(), function: nonce{1}}
		hello, err := appendHello(greet(), guess.function, guess.prove(inHello, nil))
		if err != nil {
			t.Fatal(err)
		}
		atStranger, atActivator := both(func() error {
			if _, err := f.Write(frame(kindHello, hello)); err != nil {
				return err
			}
			_, err := readFrame(f, kindGreeting, maxGreetingBytes)
			return err
		}, func() error {
			_, err := Accept(t.Context(), a, answers(secret, []byte("snapshot")))
			return err
		})
		if !errors.Is(atStranger, ErrRefused) || !errors.Is(atActivator, ErrProof) {
			t.Errorf("the stranger: %v; the activator: %v", atStranger, atActivator)
		}
		_ = f.Close()
	})
}

// A function that answers with headers without end costs the activator no memory, and may have run.
func TestHeadersOfAnAnswerAreBounded(t *testing.T) {
	t.Parallel()
	var size atomic.Int64
	size.Store(4 << 10)
	lane, _ := open(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Dubbofn-Ledger", strings.Repeat("x", int(size.Load())))
	}), ServeConfig{})
	if _, err := ask(t.Context(), lane, "usual"); err != nil {
		t.Error(err)
	}
	size.Store(1 << 20)
	if _, err := ask(t.Context(), lane, "hostile"); err == nil || errors.Is(err, ErrNotRun) {
		t.Errorf("got %v", err)
	}
}
