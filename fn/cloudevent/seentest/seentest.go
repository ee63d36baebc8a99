// Package seentest is the suite that every store of handled events passes.
package seentest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/fn/cloudevent"
)

// Store is what is tested. Its times are short, so that a test need not wait long.
type Store struct {
	// Open gives a store with an empty memory of the keys that the test uses (they are made at random), which keeps what is done for Window. Called again,
	// it gives another process's store, which shares what is known; Alone stores are opened once.
	Open   func(t *testing.T) cloudevent.Seen
	Window time.Duration // 1 s at least
	Alone  bool          // it is of one process
	// Lease is how long a claim outlives its process. Of stores that aren't Alone.
	Lease time.Duration
}

// long is a lease that doesn't end within a test.
const long = time.Hour

// Run runs the suite.
func Run(t *testing.T, s Store) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Store){
		"an event is handled once":                       once,
		"a record comes back as it was kept":             records,
		"what is forgotten is new":                       forget,
		"one of many who ask at once gets an event":      race,
		"a lease ends":                                   lease,
		"who lost an event can't free it":                late,
		"what is done is forgotten after the window":     window,
		"who lives keeps an event, who dies loses it":    dies,
		"an event that another process handled is known": shared,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}

func key(t *testing.T) string {
	t.Helper()
	sum := sha256.Sum256([]byte(t.Name() + rand.Text()))
	return hex.EncodeToString(sum[:])
}

// begin claims an event, and fails where what is known of it is not what it should be.
func begin(t *testing.T, s cloudevent.Seen, key string, lease time.Duration, want cloudevent.SeenState) cloudevent.Claim {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, err := s.Begin(ctx, key, lease)
	if err != nil {
		t.Fatal(err)
	}
	if c.State != want {
		t.Fatalf("state %d, want %d", c.State, want)
	}
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open opens a store that is closed at the end, twice.
func open(t *testing.T, s Store) cloudevent.Seen {
	t.Helper()
	st := s.Open(t)
	t.Cleanup(func() {
		for range 2 {
			if err := st.Close(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
		}
	})
	return st
}

func once(t *testing.T, s Store) {
	t.Helper()
	st, k, other := open(t, s), key(t), key(t)
	c := begin(t, st, k, long, cloudevent.SeenNew)
	begin(t, st, k, long, cloudevent.SeenRunning)
	begin(t, st, other, long, cloudevent.SeenNew)
	must(t, c.Finish(t.Context(), []byte("reply")))
	for range 2 {
		if c := begin(t, st, k, long, cloudevent.SeenDone); string(c.Record) != "reply" {
			t.Errorf("record %q", c.Record)
		}
	}
	begin(t, st, other, long, cloudevent.SeenRunning)
}

func records(t *testing.T, s Store) {
	t.Helper()
	st := open(t, s)
	for _, record := range [][]byte{nil, {0}, []byte("\r\n\x00\xff"), bytes.Repeat([]byte{1, 2, 3}, 100_000)} {
		k := key(t)
		must(t, begin(t, st, k, long, cloudevent.SeenNew).Finish(t.Context(), record))
		if c := begin(t, st, k, long, cloudevent.SeenDone); !bytes.Equal(c.Record, record) {
			t.Errorf("%d bytes came back, of %d", len(c.Record), len(record))
		}
	}
}

func forget(t *testing.T, s Store) {
	t.Helper()
	st, k := open(t, s), key(t)
	for range 3 {
		must(t, begin(t, st, k, long, cloudevent.SeenNew).Forget(t.Context()))
	}
	must(t, begin(t, st, k, long, cloudevent.SeenNew).Finish(t.Context(), nil))
	begin(t, st, k, long, cloudevent.SeenDone)
}

func race(t *testing.T, s Store) {
	t.Helper()
	stores := []cloudevent.Seen{open(t, s)}
	if !s.Alone {
		stores = append(stores, open(t, s))
	}
	k := key(t)
	var mu sync.Mutex
	got := map[cloudevent.SeenState]int{}
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			c, err := stores[i%len(stores)].Begin(t.Context(), k, long)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			got[c.State]++
		})
	}
	all.Wait()
	if got[cloudevent.SeenNew] != 1 || got[cloudevent.SeenRunning] != 39 {
		t.Errorf("states %v, want one that is new", got)
	}
}

func lease(t *testing.T, s Store) {
	t.Helper()
	st, k := open(t, s), key(t)
	begin(t, st, k, 300*time.Millisecond, cloudevent.SeenNew)
	begin(t, st, k, long, cloudevent.SeenRunning)
	<-time.After(max(s.Lease, 300*time.Millisecond) + 500*time.Millisecond)
	begin(t, st, k, long, cloudevent.SeenNew)
}

func late(t *testing.T, s Store) {
	t.Helper()
	st, k := open(t, s), key(t)
	first := begin(t, st, k, 300*time.Millisecond, cloudevent.SeenNew)
	<-time.After(max(s.Lease, 300*time.Millisecond) + 500*time.Millisecond)
	second := begin(t, st, k, long, cloudevent.SeenNew)
	must(t, first.Forget(t.Context()))
	begin(t, st, k, long, cloudevent.SeenRunning)
	must(t, second.Finish(t.Context(), []byte("second")))
	begin(t, st, k, long, cloudevent.SeenDone)
}

func window(t *testing.T, s Store) {
	t.Helper()
	st, k := open(t, s), key(t)
	must(t, begin(t, st, k, long, cloudevent.SeenNew).Finish(t.Context(), nil))
	begin(t, st, k, long, cloudevent.SeenDone)
	<-time.After(s.Window + 500*time.Millisecond)
	begin(t, st, k, long, cloudevent.SeenNew)
}

func dies(t *testing.T, s Store) {
	t.Helper()
	if s.Alone {
		return // what it knows ends with it
	}
	st, other, k := open(t, s), open(t, s), key(t)
	begin(t, st, k, long, cloudevent.SeenNew)
	<-time.After(2 * s.Lease)
	begin(t, other, k, long, cloudevent.SeenRunning)
	must(t, st.Close(t.Context()))
	<-time.After(s.Lease + 500*time.Millisecond)
	begin(t, other, k, long, cloudevent.SeenNew)
}

func shared(t *testing.T, s Store) {
	t.Helper()
	if s.Alone {
		return
	}
	st, other, k := open(t, s), open(t, s), key(t)
	must(t, begin(t, st, k, long, cloudevent.SeenNew).Finish(t.Context(), []byte("reply")))
	if c := begin(t, other, k, long, cloudevent.SeenDone); string(c.Record) != "reply" {
		t.Errorf("record %q", c.Record)
	}
}
