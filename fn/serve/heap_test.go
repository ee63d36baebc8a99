package serve

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestTheHeapMayGrowBeforeItIsCollected(t *testing.T) { //nolint:paralleltest // it looks at the whole process
	const floor = 256 << 20
	begin := func() (end func()) {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			raiseFloor(ctx, floor)
		}()
		return func() { cancel(); <-done; runtime.GC() }
	}
	goal := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.NextGC
	}
	before, resident := goal(), residentBytes(t)
	end := begin()
	for deadline := time.Now().Add(10 * time.Second); goal() < before+floor; {
		if time.Now().After(deadline) {
			t.Fatalf("collected at %d bytes, before it was %d; want %d more", goal(), before, floor)
		}
	}
	if grown := residentBytes(t) - resident; grown > floor/4 && !raceEnabled {
		t.Errorf("the process has grown by %d bytes", grown)
	}
	end()
	if now := goal(); now > before+floor/2 {
		t.Errorf("collected at %d bytes when it is over, at first at %d", now, before)
	}

	old := debug.SetGCPercent(150)
	end = begin()
	if now := goal(); now > before+floor/2 {
		t.Errorf("collected at %d bytes although GOGC is set", now)
	}
	end()
	debug.SetGCPercent(old)
}

// residentBytes is what the kernel has given the process.
func residentBytes(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0 // where there is no /proc nothing is told
	}
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
