package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sampleCase = "user, 1 connection, 64 in flight"

func samplePart() *Part {
	p := &Part{Name: "providers", Title: "calls a second", Bar: "ours", Compared: []string{"calls/s", "CPU µs"}, Conditions: Conditions{Method: "3 rounds", Pinning: "pinned: <cores>"}}
	for _, rates := range [][2]float64{{100, 50}, {300, 100}, {200, 50}} {
		for i, peer := range []string{"ours", "theirs"} {
			p.Add(sampleCase, peer, "calls/s", rates[i])
			p.Add(sampleCase, peer, "p99 µs", 1500)
			p.Add(sampleCase, peer, "CPU µs", []float64{5, 30}[i])
			p.Add(sampleCase, peer, "nothing", 0)
		}
	}
	p.Add("resident memory", "ours", "idle MiB", 12.25)
	return p
}

// grown is a part whose cases grow.
func grown() *Part {
	p := &Part{Name: "scale", Title: "a call's cost", Grows: true, Compared: []string{"CPU µs"}}
	for _, costs := range [][3]float64{{10, 12, 15}, {20, 18, 28}} {
		for i, c := range []string{"1 connection", "10 connections", "100 connections"} {
			p.Add(c, "ours", "calls/s", 1000)
			p.Add(c, "ours", "CPU µs", costs[i])
		}
	}
	return p
}

func printed(t *testing.T, p *Part) string {
	t.Helper()
	var out bytes.Buffer
	if err := p.Table(&out); err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

func TestTableShowsConditionsFiguresAndRatiosRoundByRound(t *testing.T) {
	t.Parallel()
	text := printed(t, samplePart())
	for _, want := range []string{"pinned: <cores>", "3 rounds", sampleCase, "calls/s, ours ÷ it: min", "CPU µs, ÷ ours: min", "ours 100 200 300 1,500 5 ",
		"theirs 50 50 100 1,500 30 2.00 3.00 4.00 6.00 6.00 6.00", "resident memory idle MiB ours 12.2"} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "nothing") {
		t.Errorf("the table has a column of zeros:\n%s", text)
	}
}

func TestWhereCasesGrowEachIsComparedWithTheFirst(t *testing.T) {
	t.Parallel()
	text := printed(t, grown())
	for _, want := range []string{"CPU µs, ÷ the first: min", "10 connections 1,000 1,000 1,000 15 0.90 1.05 1.20", "100 connections 1,000 1,000 1,000 21.5 1.40 1.45 1.50"} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
}

func TestPartsTakeThePlaceOfOlderOnes(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "results.json")
	r, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	r.Put(&Part{Name: "providers"})
	r.Put(grown())
	r.Put(samplePart())
	if err := r.Write(file); err != nil {
		t.Fatal(err)
	}
	read, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&Results{Parts: []*Part{samplePart(), grown()}}, read); diff != "" {
		t.Errorf("what was read differs (-want +read):\n%s", diff)
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(file); err == nil {
		t.Error("a file that is no JSON is read")
	}
}

func TestGoalsAreJudgedByTheMedian(t *testing.T) {
	t.Parallel()
	r := &Results{Parts: []*Part{samplePart()}}
	over := func(figure, peer, bar string) func(*Part) []float64 {
		return func(p *Part) []float64 {
			return Join(p.Of(sampleCase, peer, figure), p.Of(sampleCase, bar, figure), Ratio)
		}
	}
	goals := []Goal{
		{Measure: "faster", Part: "providers", Values: over("calls/s", "ours", "theirs"), Is: AtLeast, Bound: 3},
		{Measure: "much faster", Part: "providers", Values: over("calls/s", "ours", "theirs"), Is: AtLeast, Bound: 3.5},
		{Measure: "dearer", Part: "providers", Values: over("CPU µs", "theirs", "ours"), Is: AtMost, Bound: 6},
		{Measure: "much dearer", Part: "providers", Values: over("CPU µs", "theirs", "ours"), Is: AtMost, Bound: 5.9},
		{Measure: "as it is", Part: "providers", Values: over("calls/s", "theirs", "ours")},
		{Measure: "nobody", Part: "providers", Values: over("calls/s", "nobody", "ours"), Is: AtMost, Bound: 1},
		{Measure: "over nothing", Part: "providers", Values: over("nothing", "ours", "theirs"), Is: AtMost, Bound: 1},
		{Measure: "another part", Part: "start", Values: over("calls/s", "ours", "theirs"), Is: AtMost, Bound: 1},
	}
	judged := r.Judge(goals)
	var verdicts []string
	for _, j := range judged {
		verdicts = append(verdicts, j.Verdict)
	}
	if diff := cmp.Diff([]string{Met, Missed, Met, Missed, Stated, Unmeasured, Unmeasured, Unmeasured}, verdicts); diff != "" {
		t.Errorf("verdicts differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Judged{"faster", "providers", AtLeast, 3, Spread{2, 3, 4}, 3, Met}, judged[0]); diff != "" {
		t.Error(diff)
	}
	var out bytes.Buffer
	if missed, err := GoalsTable(&out, judged); missed != 2 || err != nil {
		t.Errorf("%d missed, %v", missed, err)
	}
	for _, want := range []string{"faster ≥ 3 2 3 4 3 met", "much dearer ≤ 5.90 6 6 6 3 MISSED", "2 met, 2 missed, 3 not measured"} {
		if text := strings.Join(strings.Fields(out.String()), " "); !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
	if err := r.Write(filepath.Join(t.TempDir(), "x.json")); err != nil {
		t.Error(err)
	}
}

func TestChartsHaveABarALine(t *testing.T) {
	t.Parallel()
	judged := []Judged{{Measure: "a", Is: AtLeast, Bound: 2, Spread: Spread{1, 3, 4}, Verdict: Met}, {Measure: "b", Is: AtMost, Bound: 1e-9, Spread: Spread{1, 3, 4}, Verdict: Missed},
		{Measure: "c", Is: AtMost, Verdict: Met}, {Measure: "d", Verdict: Stated}, {Measure: "e", Is: AtMost, Verdict: Unmeasured}}
	for _, test := range []struct {
		name string
		draw func(path string) error
		bars int // and the background
	}{{"peers", samplePart().Chart, 4}, {"growing", grown().Chart, 4}, {"goals", func(path string) error { return GoalsChart(path, judged) }, 4}} {
		chart := filepath.Join(t.TempDir(), "chart.svg")
		if err := test.draw(chart); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(chart)
		if err != nil {
			t.Fatal(err)
		}
		bars := 0
		for d := xml.NewDecoder(bytes.NewReader(text)); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("the chart is not XML: %v", err)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
				bars++
			}
		}
		if bars != test.bars {
			t.Errorf("%s: %d rectangles; want %d", test.name, bars, test.bars)
		}
	}
}

func TestNumbersHaveThreeDigits(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "-", 0.5: "0.50", 12.34: "12.3", 123.4: "123", 1234567: "1,234,567", -5000: "-5,000"} {
		if got := Number(v); got != want {
			t.Errorf("%v is %q; want %q", v, got, want)
		}
	}
}
