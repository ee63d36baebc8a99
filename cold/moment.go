package cold

import "time"

// moment is a time, and the CPU time that the process had used by then (0: not known).
type moment struct {
	at  time.Time
	cpu time.Duration
}

func thisMoment() moment { return moment{time.Now(), cpuTime()} }
