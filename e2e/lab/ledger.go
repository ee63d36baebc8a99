package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/dubbofn/dubbofn/cold"
)

// start is a cold start as a replica of the activator wrote it down.
type start struct {
	Lane    string      `json:"lane"`     // "early", "http"
	Started time.Time   `json:"started"`  // when the first call was parked
	Knock   int64       `json:"knock_us"` // from sending it to its headers; 0: the first reply came earlier
	Reply   int64       `json:"first_reply_us"`
	Ledger  cold.Record `json:"ledger"` // the function's own, as far as it had got
}

func (s start) knock() time.Duration { return time.Duration(s.Knock) * time.Microsecond }
func (s start) reply() time.Duration { return time.Duration(s.Reply) * time.Microsecond }

// since gives when something happened in the process, after the first call was parked: "–" where it isn't known.
func (s start) since(of func(cold.Record) (time.Duration, bool)) string {
	at, ok := of(s.Ledger)
	if !ok {
		return "        –"
	}
	return ms(s.Ledger.Started.Add(at).Sub(s.Started))
}

func began(r cold.Record) (time.Duration, bool) { return 0, !r.Started.IsZero() }

func ended(p cold.Phase) func(cold.Record) (time.Duration, bool) {
	return func(r cold.Record) (time.Duration, bool) {
		for _, e := range r.Entries {
			if e.Name == p {
				return e.At + e.Took, true
			}
		}
		return 0, false
	}
}

// first gives the cold start that some replica wrote down of the first call since a moment.
func (w *wakes) first(ctx context.Context, since time.Time) (start, error) {
	for end := time.Now().Add(5 * time.Second); ; {
		var first start
		for _, admin := range w.admin {
			starts, err := w.starts(ctx, admin)
			if err != nil {
				return start{}, err
			}
			for _, s := range starts {
				if s.Started.After(since) && (first.Lane == "" || s.Started.Before(first.Started)) {
					first = s
				}
			}
		}
		if first.Lane != "" {
			return first, nil
		}
		if time.Now().After(end) {
			return start{}, errors.New("no replica of the activator has written the wake down")
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return start{}, err
		}
	}
}

func (w *wakes) starts(ctx context.Context, admin string) ([]start, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, admin+"/api/ledger", http.NoBody)
	if err != nil {
		return nil, err
	}
	res, err := w.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var starts []start
	if err := json.NewDecoder(res.Body).Decode(&starts); err != nil {
		return nil, fmt.Errorf("%s/api/ledger: %w", admin, err)
	}
	return starts, nil
}

// drawLast shows one cold start, phase by phase.
func (w *wakes) drawLast() error {
	for _, k := range slices.Backward(w.all) {
		if r := k.start.Ledger; len(r.Entries) > 0 {
			fmt.Println("\nthe last wake by a consumer, as the function's ledger had it when it reached the activator:")
			return r.Draw(os.Stdout, 100)
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
