// Package measure is what all that is measured has in common: what is to be called and for how long, what came of it, the histogram of
// times, and a process's CPU time and memory as Linux tells them.
package measure

import (
	"errors"
	"fmt"
	"time"
)

// Plan says what calls to make: a closed loop, in which a call begins when another ends. Every field but PID is needed.
type Plan struct {
	Case       string        `json:"case"`
	InFlight   int           `json:"in_flight"`   // calls that wait for their answer at any time
	WarmUp     time.Duration `json:"warm_up_ns"`  // calls that are not counted
	Measure    time.Duration `json:"measure_ns"`  // calls that are counted
	MaxCalls   int           `json:"max_calls"`   // a loop stops after this many calls, counted or not
	CheckEvery int           `json:"check_every"` // one answer in so many is checked in full, the others briefly
	PID        int           `json:"pid"`         // the provider's process, whose CPU time is read; 0 for none
}

const (
	maxInFlight = 65536
	maxTime     = 10 * time.Minute
	minMeasure  = 100 * time.Millisecond
)

// Validate reports all that is wrong with p, but for the case.
func (p Plan) Validate() error {
	var faults []error
	if p.InFlight < 1 || p.InFlight > maxInFlight {
		faults = append(faults, fmt.Errorf("%d in flight are not in 1 to %d", p.InFlight, maxInFlight))
	}
	if p.WarmUp < 0 || p.Measure < minMeasure || p.WarmUp+p.Measure > maxTime {
		faults = append(faults, fmt.Errorf("%v of warm-up and %v of measuring are not in %v to %v", p.WarmUp, p.Measure, minMeasure, maxTime))
	}
	if p.MaxCalls < 1 || p.CheckEvery < 1 {
		faults = append(faults, fmt.Errorf("at most %d calls, one in %d checked: both must be above 0", p.MaxCalls, p.CheckEvery))
	}
	return errors.Join(faults...)
}
