package cold

import (
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	minDrawColumns = 20
	maxDrawColumns = 500
)

// Draw writes the record as a waterfall, a line for each entry: its name, a bar from when it began to when it ended, and both times in
// milliseconds. columns is the width of the bars alone, 20 to 500; 0: 48.
//
//	greet  greet-1                                           first reply after 41.2 ms
//	process  ███████▋                                          0.0    +7.6 ms  (to 10 ms)
//	init             ▊                                         9.1    +0.8
func (r Record) Draw(w io.Writer, columns int) error {
	if columns == 0 {
		columns = 48
	}
	columns = min(max(columns, minDrawColumns), maxDrawColumns)
	first, last := time.Duration(0), time.Duration(0)
	names := len("instance")
	for i, e := range r.Entries {
		if i == 0 || e.At < first {
			first = e.At
		}
		last = max(last, e.At+e.Took)
		names = max(names, len([]rune(string(e.Name))))
	}
	scale := barScale{from: first, span: max(last-first, time.Microsecond), columns: columns}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s  %s\n", r.App, r.Instance, r.summary())
	for _, e := range r.Entries {
		note := ""
		if e.Name == PhaseProcess && r.Resolution > 0 {
			note = fmt.Sprintf("  (to %v)", r.Resolution)
		}
		took := fmt.Sprintf("%+9.1f ms", milli(e.Took))
		if e.Took == 0 {
			took = strings.Repeat(" ", len(took))
		}
		line := fmt.Sprintf("%-*s  %s %9.1f %s%s", names, e.Name, scale.bar(e), milli(e.At), took, note)
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r Record) summary() string {
	for _, e := range r.Entries {
		if e.Name == PhaseReply {
			return fmt.Sprintf("first reply after %.1f ms", milli(r.Total()))
		}
	}
	return "no reply yet"
}

func milli(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// barScale turns times into eighths of a column.
type barScale struct {
	from, span time.Duration
	columns    int
}

func (s barScale) eighth(d time.Duration) int {
	return int(float64(d-s.from) / float64(s.span) * float64(8*s.columns))
}

// bar draws one entry. Every bar can be seen, however short; a moment is a line.
func (s barScale) bar(e Entry) string {
	from, to := s.eighth(e.At), s.eighth(e.At+e.Took)
	last := 8 * s.columns
	from = min(max(from, 0), last-1)
	cells := make([]rune, s.columns)
	for i := range cells {
		cells[i] = ' '
	}
	if e.Took == 0 {
		cells[from/8] = '│'
		return string(cells)
	}
	to = min(max(to, from+1), last)
	for i := from / 8; i <= (to-1)/8; i++ {
		begin, end := max(from-8*i, 0), min(to-8*i, 8)
		switch {
		case begin == 0:
			cells[i] = []rune("▏▎▍▌▋▊▉█")[end-1]
		case begin < 4 && end > begin+3:
			cells[i] = '█'
		default: // there are no blocks that begin in the middle but this one
			cells[i] = '▐'
		}
	}
	return string(cells)
}
