// Package top is the live table of an activator's functions.
package top

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/internal/terminal"
)

// Row is one function.
type Row struct {
	App       string  `json:"app"`
	State     string  `json:"state"`
	Instances int     `json:"instances"`
	Rate      float64 `json:"calls_per_second"`  // of the last five seconds
	Errors    float64 `json:"errors_per_second"` // of them
	P99       int64   `json:"p99_us"`            // the slowest second's, of the last five with calls
	Parked    int     `json:"parked"`
	Wakes     int     `json:"wakes"` // in the last five minutes
	URL       string  `json:"url,omitempty"`
	Port      int     `json:"port,omitempty"`
	Revision  string  `json:"revision,omitempty"`
	Fault     string  `json:"fault,omitempty"`   // why it is refused
	Trouble   string  `json:"trouble,omitempty"` // what the last knock met
}

// over is what a rate is of: long enough to be calm, short enough to be now.
const over = 5

// samples is the activator's /api/samples, as far as it matters here.
type samples struct {
	Now       int64               `json:"now"`
	Functions map[string][]sample `json:"functions"`
}

type sample struct {
	At     int64 `json:"t"`
	Calls  int   `json:"calls"`
	Errors int   `json:"errors"`
	P99    int64 `json:"p99_us"`
	Wakes  int   `json:"wakes"`
}

// Ask makes the rows of what an activator says, which get asks for: by application.
func Ask(get func(path string, into any) error) ([]Row, error) {
	var functions []struct {
		Row
		Function string `json:"function"`
	}
	if err := get("/api/functions", &functions); err != nil {
		return nil, err
	}
	var s samples
	if err := get("/api/samples?since=0", &s); err != nil {
		return nil, err
	}
	rows := make([]Row, 0, len(functions))
	for _, f := range functions {
		r := f.Row
		r.App = cmp.Or(r.App, f.Function)
		r.sum(s.Functions[f.App], s.Now)
		rows = append(rows, r)
	}
	return rows, nil
}

func (r *Row) sum(all []sample, now int64) {
	var calls, errors, left int
	for _, x := range slices.Backward(all) {
		r.Wakes += x.Wakes
		if x.At > now-(over*time.Second).Milliseconds() {
			calls += x.Calls
			errors += x.Errors
		}
		if x.P99 > 0 && left < over {
			left++
			r.P99 = max(r.P99, x.P99)
		}
	}
	r.Rate, r.Errors = float64(calls)/over, float64(errors)/over
}

// column is what can be sorted by.
type column struct {
	name string
	less func(a, b Row) int
}

func columns() []column {
	return []column{
		{"FUNCTION", func(a, b Row) int { return strings.Compare(a.App, b.App) }},
		{"STATE", func(a, b Row) int { return cmp.Compare(rank(a.State), rank(b.State)) }},
		{"PROCS", func(a, b Row) int { return cmp.Compare(b.Instances, a.Instances) }},
		{"CALLS/S", func(a, b Row) int { return cmp.Compare(b.Rate, a.Rate) }},
		{"ERRORS/S", func(a, b Row) int { return cmp.Compare(b.Errors, a.Errors) }},
		{"P99", func(a, b Row) int { return cmp.Compare(b.P99, a.P99) }},
		{"PARKED", func(a, b Row) int { return cmp.Compare(b.Parked, a.Parked) }},
		{"WAKES", func(a, b Row) int { return cmp.Compare(b.Wakes, a.Wakes) }},
	}
}

func rank(state string) int {
	return slices.Index([]string{"refused", "waking", "awake", "asleep"}, state)
}

// glyph gives a state's sign and colour: a ring for sleep, a half for waking, a disc for awake, a cross for refused.
func glyph(state string) (string, terminal.Style) {
	switch state {
	case "awake":
		return "●", terminal.Good
	case "waking":
		return "◐", terminal.Warn
	case "refused":
		return "✗", terminal.Bad
	}
	return "○", terminal.Faint
}

// Table shows the rows; the one that is chosen is marked.
func Table(t *terminal.Terminal, rows []Row, chosen string) string {
	names := []string{}
	for _, c := range columns() {
		names = append(names, c.name)
	}
	return table(t, names, rows, chosen)
}

func table(t *terminal.Terminal, names []string, rows []Row, chosen string) string {
	cells := make([][]string, 0, len(rows))
	for _, r := range rows {
		sign, style := glyph(r.State)
		name := printable(r.App)
		if chosen != "" && r.App == chosen {
			name = t.Paint(terminal.Accent, "▸ "+name)
		} else if chosen != "" {
			name = "  " + name
		}
		errors, parked := rate(r.Errors), strconv.Itoa(r.Parked)
		if r.Errors > 0 {
			errors = t.Paint(terminal.Bad, errors)
		}
		if r.Parked > 0 {
			parked = t.Paint(terminal.Warn, parked)
		}
		cells = append(cells, []string{name, t.Paint(style, sign+" "+printable(r.State)), strconv.Itoa(r.Instances), rate(r.Rate), errors, latency(r.P99), parked, strconv.Itoa(r.Wakes)})
	}
	return t.Table(names, cells)
}

func rate(n float64) string {
	if n == 0 {
		return "–"
	}
	return strconv.FormatFloat(n, 'f', 1, 64)
}

func latency(us int64) string {
	switch {
	case us == 0:
		return "–"
	case us < 100_000:
		return fmt.Sprintf("%.1f ms", float64(us)/1000)
	}
	return fmt.Sprintf("%d ms", us/1000)
}

// printable is text from elsewhere without what a terminal would obey.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}
