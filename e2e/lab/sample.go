package main

import (
	"fmt"
	"slices"
	"time"
)

// sample is durations of one kind.
type sample []time.Duration

// at gives the value below which the share q of the sample lies (nearest rank).
func (s sample) at(q float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// String is one row: how many, least, median, 95 %, most.
func (s sample) String() string {
	return fmt.Sprintf("n=%-3d  min %s  median %s  p95 %s  max %s", len(s), ms(s.at(0)), ms(s.at(0.5)), ms(s.at(0.95)), ms(s.at(1)))
}

func ms(d time.Duration) string { return fmt.Sprintf("%7.1f ms", float64(d.Microseconds())/1000) }
