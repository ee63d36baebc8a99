package local

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/internal/supervise"
)

// shown is what the status line says of one function.
type shown struct {
	name, app string
	phase     supervise.Phase
	pid       int
	calls     int64 // since this command began
	building  bool
	renewing  bool // its process makes room for the next one, unasked by the idle time
}

// manyFunctions is when those that sleep are counted and no longer named.
const manyFunctions = 6

// know adds a function, asleep.
func (c *console) know(name, app string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.states = append(c.states, &shown{name: name, app: app, phase: supervise.Asleep})
}

// of gives a function's line; the lock is held.
func (c *console) of(name string) *shown {
	for _, s := range c.states {
		if s.name == name {
			return s
		}
	}
	s := &shown{name: name, app: name, phase: supervise.Asleep}
	c.states = append(c.states, s)
	return s
}

// note has another phase in the status line. last is the one before; renewed says that a process goes for the sake of the next.
func (c *console) note(s supervise.State) (last supervise.Phase, renewed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.of(s.Name)
	last, renewed = f.phase, f.renewing && s.Phase == supervise.Asleep
	f.phase, f.pid, f.renewing = s.Phase, s.PID, false
	c.show()
	return last, renewed
}

// update changes what is said of a function.
func (c *console) update(name string, change func(*shown)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c.of(name))
	c.show()
}

// count has other numbers of calls in the status line, by application.
func (c *console) count(calls map[string]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed := false
	for _, f := range c.states {
		if n, is := calls[f.app]; is && n != f.calls {
			f.calls, changed = n, true
		}
	}
	if changed {
		c.show()
	}
}

// show gives the line to who looks; the lock is held.
func (c *console) show() {
	if c.status != nil {
		c.status(c.line())
	}
}

// line is how all functions are: first who is awake, then who wakes, then who sleeps.
func (c *console) line() string {
	var parts []string
	asleep := 0
	for _, phase := range []supervise.Phase{supervise.Awake, supervise.Starting, supervise.Asleep} {
		for _, f := range c.states {
			switch {
			case f.phase != phase:
			case phase == supervise.Asleep && !f.building && len(c.states) > manyFunctions:
				asleep++
			default:
				parts = append(parts, c.one(f))
			}
		}
	}
	if asleep > 0 {
		parts = append(parts, c.paint(2, fmt.Sprintf("○ %d asleep", asleep)))
	}
	return strings.Join(parts, "   ")
}

func (c *console) one(f *shown) string {
	var notes []string
	sign := c.paint(2, "○")
	switch f.phase {
	case supervise.Awake:
		sign = c.paint(32, "●")
		notes = append(notes, fmt.Sprintf("awake, process %d", f.pid))
	case supervise.Starting:
		sign = c.paint(33, "◐")
		notes = append(notes, "waking")
	case supervise.Asleep:
		notes = append(notes, "asleep")
	}
	if f.building {
		notes = append(notes, "building")
	}
	if f.calls == 1 {
		notes = append(notes, "1 call")
	} else if f.calls > 0 {
		notes = append(notes, fmt.Sprintf("%d calls", f.calls))
	}
	return sign + " " + f.name + " " + c.paint(2, strings.Join(notes, ", "))
}

// callsTotal is what the activator counts of calls, by application and lane.
const callsTotal = "dubbofn_activator_calls_total{"

// countCalls reads the activator's metrics: calls by application.
func countCalls(metrics string) map[string]int64 {
	calls := map[string]int64{}
	for line := range strings.Lines(metrics) {
		rest, is := strings.CutPrefix(line, callsTotal)
		labels, value, ended := strings.Cut(rest, "} ")
		if !is || !ended {
			continue
		}
		var n float64
		if _, err := fmt.Sscan(value, &n); err != nil {
			continue
		}
		all := strings.Split(labels, ",")
		i := slices.IndexFunc(all, func(l string) bool { return strings.HasPrefix(l, `app="`) })
		if i >= 0 {
			calls[strings.TrimSuffix(strings.TrimPrefix(all[i], `app="`), `"`)] += int64(n)
		}
	}
	return calls
}
