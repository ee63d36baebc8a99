package dubbo

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

func TestCallsOfTheProcessItselfCountAndAreWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewRelay(relayFunc{}, ServerConfig{MaxInFlight: 1, Quiet: time.Second})
		leave, err := s.Enter()
		if err != nil || s.Stats().InFlight != 1 {
			t.Fatalf("%v, %+v", err, s.Stats())
		}
		if _, err := s.Enter(); codeOfError(err) != invoker.CodeExhausted || s.Stats().Exhausted != 1 || s.Stats().InFlight != 1 {
			t.Errorf("one more was let in: %+v", s.Stats())
		}
		time.AfterFunc(5*time.Second, leave)
		begin := time.Now()
		if err := s.Drain(t.Context()); err != nil || time.Since(begin) != 5*time.Second {
			t.Errorf("drained after %v: %v", time.Since(begin), err)
		}
		if _, err := s.Enter(); codeOfError(err) != invoker.CodeUnavailable || s.Stats().InFlight != 0 {
			t.Error("a server that was drained lets calls in")
		}
	})
}

func TestDrainDoesNotWaitForeverForCallsOfTheProcessItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewRelay(relayFunc{}, ServerConfig{Quiet: time.Second})
		leave, _ := s.Enter()
		defer leave()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if err := s.Drain(ctx); err == nil {
			t.Error("no call was cut off")
		}
	})
}

func codeOfError(err error) invoker.Code {
	code, _ := invoker.CodeOf(err)
	return code
}
