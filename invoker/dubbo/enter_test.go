package dubbo

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestCallsOfTheProcessItselfCountAndAreWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewRelay(relayFunc{}, ServerConfig{MaxInFlight: 1, Quiet: time.Second})
		leave, ok := s.Enter()
		if !ok || s.Stats().InFlight != 1 {
			t.Fatalf("%t, %+v", ok, s.Stats())
		}
		if _, ok := s.Enter(); ok || s.Stats().Exhausted != 1 || s.Stats().InFlight != 1 {
			t.Errorf("one more was let in: %+v", s.Stats())
		}
		time.AfterFunc(5*time.Second, leave)
		begin := time.Now()
		if err := s.Drain(t.Context()); err != nil || time.Since(begin) != 5*time.Second {
			t.Errorf("drained after %v: %v", time.Since(begin), err)
		}
		if _, ok := s.Enter(); ok || s.Stats().InFlight != 0 {
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
