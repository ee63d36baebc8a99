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

	"github.com/dubbofn/dubbofn/bench/service/measure"
)

func sampleResults() *Results {
	r := &Results{Conditions: Conditions{Rounds: 3, Measure: "2s", Pinning: "pinned: <cores>"}, Memory: []Memory{{"ours", 1 << 20, 2 << 20, 3 << 20}}}
	cell := Cell{Case: "user", Connections: 1, InFlight: 64}
	for round, rates := range [][2]float64{{100, 50}, {300, 100}, {200, 50}} {
		r.Runs = append(r.Runs,
			Run{"ours", cell, round + 1, measure.Outcome{PerSecond: rates[0], P99: 1500, ClientCPU: 10, ClientAllocs: 12, ProviderCPU: 5}},
			Run{"theirs", cell, round + 1, measure.Outcome{PerSecond: rates[1], P99: 2500, ClientCPU: 40, ProviderCPU: 30}})
	}
	return r
}

func TestRatiosAreComputedRoundByRound(t *testing.T) {
	t.Parallel()
	r := sampleResults()
	cell := r.Cells()[0]
	if diff := cmp.Diff(Spread{2, 3, 4}, r.Ratio(cell, "ours", "theirs", perSecond)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Spread{100, 200, 300}, r.Of(cell, "ours", func(x Run) float64 { return x.PerSecond })); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Spread{}, r.Ratio(cell, "ours", "nobody", perSecond)); diff != "" {
		t.Error(diff)
	}
}

func TestTableShowsConditionsRatesAndRatios(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := sampleResults().Table(&out, []string{"ours", "theirs"}, "ours"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"pinned: <cores>", "user, 1 connection, 64 in flight", "2.00 3.00 4.00 6.00 6.00 6.00", "resident memory"} {
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) {
			t.Errorf("the table lacks %q:\n%s", want, out.String())
		}
	}
}

func TestTableOfConsumersShowsTheirCPUTimeAndAllocations(t *testing.T) {
	t.Parallel()
	r := sampleResults()
	r.Outbound = true
	for i := range r.Runs {
		r.Runs[i].Cell = Cell{Provider: "java", Case: "user", InFlight: 32}
	}
	var out bytes.Buffer
	if err := r.Table(&out, []string{"ours", "theirs"}, "ours"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"user, 32 in flight at provider java", "ours 100 200 300 - 1500 - 10.0 - 5.0 - 12.0 -", "theirs 50 50 100 - 2500 - 40.0 - 30.0 - - - 2.00 3.00 4.00 4.00 4.00 4.00"} {
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) {
			t.Errorf("the table lacks %q:\n%s", want, out.String())
		}
	}
}

func TestChartIsDrawnFromTheJSON(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "results.json")
	if err := sampleResults().Write(file); err != nil {
		t.Fatal(err)
	}
	read, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sampleResults(), read); diff != "" {
		t.Errorf("what was read differs (-wrote +read):\n%s", diff)
	}
	chart := strings.TrimSuffix(file, ".json") + ".svg"
	if err := read.Chart(chart, []string{"ours", "theirs"}); err != nil {
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
	if bars != 3 { // the background and two peers
		t.Errorf("%d rectangles; want 3", bars)
	}
}
