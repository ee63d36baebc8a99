package supervise

import "time"

// Phase is what a function is doing.
type Phase string

// The phases. A process that drains has no phase: its function is asleep, or another process is on.
const (
	Asleep   Phase = "asleep"   // no process
	Starting Phase = "starting" // a process that is not ready yet, or a pause before the next one
	Awake    Phase = "awake"    // a process that takes requests
)

// State is what there is to tell of a function at one moment.
type State struct {
	Name  string
	Phase Phase
	// PID is that of the process; 0 where there is none.
	PID int
	// InFlight and Waiting are requests: with the process, and waiting for one.
	InFlight, Waiting int
	// Starts counts the processes that were started, Draining those that are ending.
	Starts, Draining int
	// Took is how long the last process that became ready took for that.
	Took time.Duration
	// Err is why the last process did not become ready, or ended without being told to; nil once another is ready.
	Err error
}
