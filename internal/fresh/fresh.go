// Package fresh keeps what was read from files up to date: keys and certificates are replaced while a process runs.
package fresh

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Every is how often files are looked at, at most.
const Every = time.Second

// Value is what was read from files, read again by the first who asks after they have changed. Nothing runs in the background. Safe for
// concurrent use.
type Value[T any] struct {
	paths []string
	read  func() (T, error)
	log   *slog.Logger
	held  atomic.Pointer[T]
	due   atomic.Int64 // Unix nanoseconds of the next look

	mu   sync.Mutex // of looking
	seen string     // the files as they were read last, well or not
}

// New reads for the first time; its error is read's. read is given no paths: it knows them. A nil log logs nothing.
func New[T any](paths []string, read func() (T, error), log *slog.Logger) (*Value[T], error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	v := &Value[T]{paths: paths, read: read, log: log, seen: state(paths)}
	held, err := read()
	if err != nil {
		return nil, err
	}
	v.held.Store(&held)
	v.due.Store(time.Now().Add(Every).UnixNano())
	return v, nil
}

// Get gives what the files hold, as it was up to [Every] ago. Where they can't be read or make no sense, the last good one stays, and
// the fault is logged once.
func (v *Value[T]) Get() T {
	now := time.Now().UnixNano()
	if due := v.due.Load(); now >= due && v.due.CompareAndSwap(due, now+int64(Every)) {
		v.look()
	}
	return *v.held.Load()
}

func (v *Value[T]) look() {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := state(v.paths)
	if now == v.seen {
		return
	}
	next, err := v.read()
	v.seen = now
	if err != nil {
		v.log.Error("files have changed and make no sense; the last good ones go on holding", "files", strings.Join(v.paths, ", "), "error", err)
		return
	}
	v.held.Store(&next)
	v.log.Info("files have changed and were read again", "files", strings.Join(v.paths, ", "))
}

// state tells one version of files from another: names that lead elsewhere (as Kubernetes swaps mounted secrets), sizes, times.
func state(paths []string) string {
	var b strings.Builder
	for _, p := range paths {
		s, err := os.Stat(p)
		if err != nil {
			fmt.Fprintf(&b, "%v\n", err)
			continue
		}
		fmt.Fprintf(&b, "%d %d\n", s.Size(), s.ModTime().UnixNano())
	}
	return b.String()
}
