package local

import (
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/internal/supervise"
)

func TestTheStatusLineTellsWhoIsAwake(t *testing.T) {
	t.Parallel()
	var got string
	c := &console{out: io.Discard, status: func(line string) { got = line }}
	c.know("board", "board")
	c.know("greet", "greeter")
	c.know("order", "order")
	expect := func(want string) {
		t.Helper()
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	c.changed(supervise.State{Name: "greet", Phase: supervise.Starting})
	expect("◐ greet waking   ○ board asleep   ○ order asleep")
	c.changed(supervise.State{Name: "greet", Phase: supervise.Awake, PID: 4711})
	expect("● greet awake, process 4711   ○ board asleep   ○ order asleep")
	c.count(map[string]int64{"greeter": 1, "order": 12})
	expect("● greet awake, process 4711, 1 call   ○ board asleep   ○ order asleep, 12 calls")
	c.update("order", func(s *shown) { s.building = true })
	expect("● greet awake, process 4711, 1 call   ○ board asleep   ○ order asleep, building, 12 calls")
	for _, name := range []string{"a", "b", "c", "d"} {
		c.know(name, name)
	}
	c.changed(supervise.State{Name: "greet", Phase: supervise.Asleep})
	expect("○ order asleep, building, 12 calls   ○ 6 asleep")
}

func TestCallsAreCountedOverAllLanes(t *testing.T) {
	t.Parallel()
	got := countCalls("# HELP x\n" +
		"dubbofn_activator_calls_total{app=\"greet\",lane=\"early\"} 3\n" +
		"dubbofn_activator_calls_total{app=\"greet\",lane=\"http\"} 1.000001e+06\n" +
		"dubbofn_activator_calls_total{lane=\"http\"} 5\n" +
		"dubbofn_activator_calls_total{app=\"x\"} many\n" +
		"dubbofn_activator_lanes_total{app=\"greet\"} 7\n")
	if want := map[string]int64{"greet": 1000004}; !cmp.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
