package serve

import (
	"context"
	"math"
	"runtime"
	"runtime/metrics"
)

// raiseFloor lets the heap hold n bytes before the collector looks through it, and n more than it would from then on, until ctx ends. Go's own floor of 4 MiB is used
// up by 64 calls with 64 KiB each, and what a look costs does not depend on what was thrown away: at that rate it is a fifth of the process's time.
//
// It is memory that nobody touches, so that the kernel gives none for it: an idle process does not grow. Where somebody has said how the
// collector is to work, by GOGC or GOMEMLIMIT, that holds.
func raiseFloor(ctx context.Context, n ByteSize) {
	if n <= 0 || collectorIsSet() {
		return
	}
	floor := make([]byte, n)
	<-ctx.Done()
	runtime.KeepAlive(floor)
}

// collectorIsSet tells whether the collector works otherwise than by Go's defaults.
func collectorIsSet() bool {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}, {Name: "/gc/gomemlimit:bytes"}}
	metrics.Read(s)
	is := func(s metrics.Sample, usual uint64) bool {
		return s.Value.Kind() == metrics.KindUint64 && s.Value.Uint64() == usual
	}
	return !is(s[0], 100) || !is(s[1], math.MaxInt64)
}
