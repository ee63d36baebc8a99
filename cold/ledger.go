package cold

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
	"unicode"
)

// Phase is a step of a cold start.
type Phase string

// The phases, in the order in which a record lists them. Those from listen to lane run at the same time as far as they can.
const (
	PhaseProcess  Phase = "process"  // the kernel made the process, and whoever made it got it to run the program
	PhaseRuntime  Phase = "runtime"  // the program is loaded, Go's runtime and the first packages start
	PhaseInit     Phase = "init"     // the other packages, main, settings and services
	PhaseListen   Phase = "listen"   // ports are opened
	PhaseSnapshot Phase = "snapshot" // what an earlier process left is fetched
	PhaseKeeper   Phase = "keeper"   // connections that were kept are taken over
	PhaseRegistry Phase = "registry" // the registry is told, or asked
	PhaseReady    Phase = "ready"    // waiting for what the first call needs; its end is when calls are taken
	PhaseLane     Phase = "lane"     // the activator is dialled, until it has accepted
	PhaseFrame    Phase = "frame"    // the first call came: a moment
	PhaseReply    Phase = "reply"    // the first call, until its reply was handed over
)

func phases() []Phase {
	return []Phase{
		PhaseProcess, PhaseRuntime, PhaseInit, PhaseListen, PhaseSnapshot, PhaseKeeper, PhaseRegistry, PhaseReady, PhaseLane, PhaseFrame, PhaseReply,
	}
}

// Ledger writes down when the phases of this process's cold start began and how long they took, up to the first reply: after that
// nothing changes it. A nil *Ledger takes marks and keeps none. Safe for concurrent use.
type Ledger struct {
	app, instance string
	began         time.Time // of the first code of this package

	mu     sync.Mutex
	start  *start // looked up for the first record
	phases map[Phase]span
	done   chan struct{} // closed by the first reply
}

type span struct{ begin, end time.Time }

// start is when the process began.
type start struct {
	at         time.Time     // as the kernel has it; zero: not known
	runtime    time.Time     // as the CPU time that was used tells; zero: not known
	resolution time.Duration // of at
}

// NewLedger makes the ledger of this process. Every process has one cold start: a second ledger would tell of the same.
func NewLedger(app, instance string) *Ledger {
	return &Ledger{app: app, instance: instance, began: firstMoment.at, phases: map[Phase]span{}, done: make(chan struct{})}
}

// firstMoment is when this package was initialised, which is as early as any code of this module runs.
var firstMoment = thisMoment()

// Begin says that p begins now, and returns what says that it has ended. A phase that is begun more than once (two registries, say) lasts
// from its first beginning to its last end.
func (l *Ledger) Begin(p Phase) (end func()) {
	at := time.Now()
	return func() { l.Mark(p, at, time.Now()) }
}

// Mark says that p lasted from begin to end: for what was measured elsewhere.
func (l *Ledger) Mark(p Phase, begin, end time.Time) {
	if l == nil || end.Before(begin) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, complete := l.phases[PhaseReply]; complete {
		return
	}
	s, again := l.phases[p]
	if !again || begin.Before(s.begin) {
		s.begin = begin
	}
	if !again || end.After(s.end) {
		s.end = end
	}
	l.phases[p] = s
	if p == PhaseReply {
		close(l.done)
	}
}

// Done is closed once the first reply is marked, which completes the ledger. It is nil for a nil *Ledger.
func (l *Ledger) Done() <-chan struct{} {
	if l == nil {
		return nil
	}
	return l.done
}

// Record gives what is known so far.
func (l *Ledger) Record() Record {
	if l == nil {
		return Record{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.start == nil {
		s := processStart(l.began) // not earlier: a start has better things to do than to read /proc
		l.start = &s
	}
	r := Record{App: l.app, Instance: l.instance, Started: l.began, Resolution: l.start.resolution}
	if !l.start.runtime.IsZero() {
		r.Started = l.start.runtime
	}
	if !l.start.at.IsZero() {
		r.Started = l.start.at
	}
	add := func(p Phase, begin, end time.Time) {
		r.Entries = append(r.Entries, Entry{p, begin.Sub(r.Started), end.Sub(begin)})
	}
	if !l.start.at.IsZero() && !l.start.runtime.IsZero() {
		add(PhaseProcess, l.start.at, l.start.runtime)
	}
	if !l.start.runtime.IsZero() {
		add(PhaseRuntime, l.start.runtime, l.began)
	}
	for _, p := range phases() {
		s, ok := l.phases[p]
		if p == PhaseInit && ok {
			s.begin = l.began
		}
		if ok {
			add(p, s.begin, s.end)
		}
	}
	return r
}

// LogValue shows a ledger in a log line: each phase with when it began and how long it took.
func (l *Ledger) LogValue() slog.Value { return l.Record().LogValue() }

// MarshalJSON gives the record's.
func (l *Ledger) MarshalJSON() ([]byte, error) { return l.Record().MarshalJSON() }

// Record is what a ledger knew at one moment. Its JSON is
//
//	{"app":"greet","instance":"greet-1","started":"2006-01-02T15:04:05.123456789Z","resolution_us":10000,"phases":[{"name":"init","at_us":1200,"took_us":340}]}
type Record struct {
	App, Instance string
	Started       time.Time     // of the process, as the kernel has it, else as the program noticed
	Resolution    time.Duration // how exact Started is; 0: as exact as the rest
	Entries       []Entry
}

// Entry is one phase of a Record. Whoever draws records may add entries of other names, and before the start.
type Entry struct {
	Name Phase
	At   time.Duration // since Started; may be negative
	Took time.Duration // 0: a moment
}

// The limits of a record that is read: it comes over the wire, and is drawn on terminals.
const (
	maxEntries     = 64
	maxRecordName  = 256
	maxPhaseName   = 32
	maxRecordHours = 24 * 365
)

type recordJSON struct {
	App        string      `json:"app"`
	Instance   string      `json:"instance"`
	Started    time.Time   `json:"started"`
	Resolution int64       `json:"resolution_us,omitempty"`
	Phases     []entryJSON `json:"phases"`
}

type entryJSON struct {
	Name Phase `json:"name"`
	At   int64 `json:"at_us"`
	Took int64 `json:"took_us"`
}

// MarshalJSON writes the form above, times in microseconds.
func (r Record) MarshalJSON() ([]byte, error) {
	j := recordJSON{App: r.App, Instance: r.Instance, Started: r.Started.UTC(), Resolution: r.Resolution.Microseconds(), Phases: []entryJSON{}}
	for _, e := range r.Entries {
		j.Phases = append(j.Phases, entryJSON{e.Name, e.At.Microseconds(), e.Took.Microseconds()})
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads it, from whoever sent it: bounded, and with nothing in it that a terminal would obey.
func (r *Record) UnmarshalJSON(b []byte) error {
	var j recordJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	if len(j.Phases) > maxEntries {
		return fmt.Errorf("read ledger: %d phases (limit %d)", len(j.Phases), maxEntries)
	}
	const most = int64(maxRecordHours * time.Hour / time.Microsecond)
	bad := j.Resolution < 0 || j.Resolution > most || !plain(j.App, maxRecordName) || !plain(j.Instance, maxRecordName)
	read := Record{App: j.App, Instance: j.Instance, Started: j.Started, Resolution: time.Duration(j.Resolution) * time.Microsecond}
	for _, e := range j.Phases {
		bad = bad || e.At < -most || e.At > most || e.Took < 0 || e.Took > most || !plain(string(e.Name), maxPhaseName)
		if bad {
			break
		}
		read.Entries = append(read.Entries, Entry{e.Name, time.Duration(e.At) * time.Microsecond, time.Duration(e.Took) * time.Microsecond})
	}
	if bad {
		return errors.New("read ledger: a name that is too long or can't be printed, or a time of more than a year")
	}
	*r = read
	return nil
}

func plain(s string, limit int) bool {
	if len(s) > limit {
		return false
	}
	for _, c := range s {
		if c == unicode.ReplacementChar || !unicode.IsPrint(c) {
			return false
		}
	}
	return true
}

// LogValue shows each phase with when it began and how long it took.
func (r Record) LogValue() slog.Value {
	attrs := make([]slog.Attr, 0, len(r.Entries)+1)
	if d := r.Total(); d > 0 {
		attrs = append(attrs, slog.Duration("total", d.Round(time.Microsecond)))
	}
	for _, e := range r.Entries {
		attrs = append(attrs, slog.String(string(e.Name), fmt.Sprintf("%v+%v", e.At.Round(time.Microsecond), e.Took.Round(time.Microsecond))))
	}
	return slog.GroupValue(attrs...)
}

// Total gives the time from the start of the process to the end of its last phase; with a reply, to the first reply.
func (r Record) Total() time.Duration {
	if i := slices.IndexFunc(r.Entries, func(e Entry) bool { return e.Name == PhaseReply }); i >= 0 {
		return r.Entries[i].At + r.Entries[i].Took
	}
	var last time.Duration
	for _, e := range r.Entries {
		last = max(last, e.At+e.Took)
	}
	return last
}
