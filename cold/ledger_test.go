package cold

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLedgerTellsThePhasesInTheirOrder(t *testing.T) {
	t.Parallel()
	l := NewLedger("greet", "greet-1")
	base := l.began
	at := func(ms int) time.Time { return base.Add(time.Duration(ms) * time.Millisecond) }
	l.Mark(PhaseReply, at(8), at(9))
	l.Mark(PhaseLane, at(0), at(9)) // too late: the ledger is complete
	r := l.Record()
	if n := len(r.Entries); n == 0 || r.Entries[n-1].Name != PhaseReply {
		t.Fatalf("got %+v", r)
	}
	l = NewLedger("greet", "greet-1")
	l.Mark(PhaseFrame, at(7), at(7))
	l.Mark(PhaseRegistry, at(5), at(6))
	l.Mark(PhaseInit, at(1), at(2))
	l.Mark(PhaseRegistry, at(3), at(4))
	l.Mark(PhaseKeeper, at(4), at(3)) // nonsense is not kept
	var got []Entry
	r = l.Record()
	for _, e := range r.Entries {
		if e.Name != PhaseProcess && e.Name != PhaseRuntime {
			e.At -= base.Sub(r.Started)
			got = append(got, e)
		}
	}
	want := []Entry{{PhaseInit, 0, 2 * time.Millisecond}, {PhaseRegistry, 3 * time.Millisecond, 3 * time.Millisecond}, {PhaseFrame, 7 * time.Millisecond, 0}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	select {
	case <-l.Done():
		t.Error("done without a reply")
	default:
	}
}

// Where there is a /proc, the ledger begins when the kernel began the process, which was before any of its code.
func TestLedgerBeginsWithTheProcess(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		return // nothing is known there
	}
	r := NewLedger("a", "i").Record()
	if len(r.Entries) != 2 || r.Entries[0].Name != PhaseProcess || r.Entries[1].Name != PhaseRuntime || r.Resolution != 10*time.Millisecond {
		t.Fatalf("got %+v", r)
	}
	if process, runtime := r.Entries[0], r.Entries[1]; process.At != 0 || runtime.At != process.Took || runtime.Took <= 0 || runtime.Took > time.Minute {
		t.Errorf("got %+v", r.Entries)
	}
	if age := time.Since(r.Started); age < 0 || age > time.Hour {
		t.Errorf("started %v ago", age)
	}
}

func TestLedgerOfNobodyKeepsNothing(t *testing.T) {
	t.Parallel()
	var l *Ledger
	l.Begin(PhaseInit)()
	if r := l.Record(); len(r.Entries) != 0 || l.Done() != nil {
		t.Errorf("got %+v", r)
	}
}

func TestLedgerTakesMarksFromEverywhere(t *testing.T) {
	t.Parallel()
	l := NewLedger("greet", "greet-1")
	var wg sync.WaitGroup
	for _, p := range phases() {
		wg.Go(func() {
			end := l.Begin(p)
			_ = l.Record()
			end()
		})
	}
	wg.Wait()
	<-l.Done()
}

func record() Record {
	us := func(n int) time.Duration { return time.Duration(n) * time.Microsecond }
	return Record{App: "greet", Instance: "greet-00002-abc", Started: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), Resolution: 10 * time.Millisecond, Entries: []Entry{
		{PhaseProcess, 0, us(30_100)}, {PhaseRuntime, us(30_100), us(1_800)}, {PhaseInit, us(31_900), us(950)}, {PhaseListen, us(32_850), us(120)},
		{PhaseSnapshot, us(32_980), us(800)}, {PhaseKeeper, us(32_980), us(1_400)}, {PhaseReady, us(32_970), us(2_300)}, {PhaseLane, us(35_270), us(600)},
		{PhaseFrame, us(36_000), 0}, {PhaseReply, us(36_000), us(240)},
	}}
}

func TestRecordSurvivesJSON(t *testing.T) {
	t.Parallel()
	want := record()
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(b), `{"app":"greet","instance":"greet-00002-abc","started":"2026-01-02T03:04:05.000006Z","resolution_us":10000,"phases":[{"name":"process","at_us":0,"took_us":30100}`) {
		t.Errorf("got %s", b)
	}
	var got Record
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestRecordOfAStrangerIsBounded(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]string{
		"an escape sequence": `{"app":"a\u001b[2J"}`,
		"a long name":        `{"instance":"` + strings.Repeat("x", 300) + `"}`,
		"a long phase":       `{"phases":[{"name":"` + strings.Repeat("x", 40) + `"}]}`,
		"many phases":        `{"phases":[` + strings.Repeat(`{},`, 100) + `{}]}`,
		"a time below zero":  `{"phases":[{"took_us":-1}]}`,
		"an age":             `{"phases":[{"took_us":9223372036854775807}]}`,
		"no JSON":            `hello`,
	} {
		if err := json.Unmarshal([]byte(s), new(Record)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzRecord(f *testing.F) {
	b, err := json.Marshal(record())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"phases":[{"name":"parked","at_us":-300000,"took_us":1}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r, again Record
		if json.Unmarshal(b, &r) != nil {
			return
		}
		out, err := json.Marshal(r)
		if err != nil {
			return // a year that RFC 3339 has no digits for
		}
		if err := json.Unmarshal(out, &again); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		var drawn bytes.Buffer
		if err := r.Draw(&drawn, 20); err != nil || bytes.ContainsRune(drawn.Bytes(), 0x1b) || drawn.Len() > 100*(len(r.Entries)+20)*8 {
			t.Fatalf("%v: %d bytes: %q", err, drawn.Len(), drawn.String())
		}
	})
}

func TestRecordIsDrawnAsAWaterfall(t *testing.T) {
	t.Parallel()
	parked := record()
	parked.Entries = append([]Entry{{"parked", -250 * time.Millisecond, 286 * time.Millisecond}, {"knock", -249 * time.Millisecond, 900 * time.Millisecond}}, parked.Entries...)
	for name, r := range map[string]Record{"function": record(), "activator": parked, "empty": {App: "greet", Instance: "greet-1"}} {
		var b bytes.Buffer
		if err := r.Draw(&b, 0); err != nil {
			t.Fatal(err)
		}
		golden(t, "testdata/ledger-"+name+".txt", b.String())
	}
}

// golden compares with a file; GOLDEN=write writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv("GOLDEN") == "write" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s:\n%s", file, d)
	}
}

func TestLedgerIsOneLogLine(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("cold start", "ledger", record())
	if s := b.String(); !strings.Contains(s, "ledger.total=36.24ms") || !strings.Contains(s, "ledger.reply=36ms+240µs") {
		t.Errorf("got %s", s)
	}
}
