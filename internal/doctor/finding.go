package doctor

import "fmt"

// State says how a check went.
type State string

// The states, best first but for Skipped, which is neither.
const (
	OK      State = "ok"
	Skipped State = "skipped" // it depends on one that failed, or on what was not given; Why says on which
	Warn    State = "warn"    // it works, and may soon not, or not for everybody
	Bad     State = "bad"     // a consumer fails on it
)

// Finding is what one check says.
type Finding struct {
	Check   string `json:"check"`             // "registry", "mapping", …: docs/doctor.md lists them
	State   State  `json:"state"`             //
	Service string `json:"service,omitempty"` // what it is about, as "[group/]interface[:version]"; empty: all
	Title   string `json:"title"`             // what was found, in a line
	Why     string `json:"why,omitempty"`     // what follows from it, or what it was found by
	Mend    string `json:"mend,omitempty"`    // a command or a line for a shell that mends it
	Restart string `json:"restart,omitempty"` // what must be started again, with that in its environment, for the mend to count: "activator", "consumer", "provider"
}

// String gives a line.
func (f Finding) String() string {
	s := fmt.Sprintf("%s %s: %s", f.State, f.Check, f.Title)
	if f.Mend != "" {
		s += " (mend: " + f.Mend + ")"
	}
	return s
}

// rank orders states from what needs nothing to what needs something.
func (s State) rank() int {
	switch s {
	case OK:
		return 0
	case Skipped:
		return 1
	case Warn:
		return 2
	default:
		return 3
	}
}

// Worst gives the worst state among findings; [OK] of none.
func Worst(all []Finding) State {
	worst := OK
	for _, f := range all {
		if f.State.rank() > worst.rank() {
			worst = f.State
		}
	}
	return worst
}
