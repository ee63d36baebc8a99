package terminal

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Progress tells of long work. The zero value is of no use; [Terminal.Progress] makes one. It is for one goroutine, Add for any.
type Progress struct {
	t     *Terminal
	title string
	bar   *progressbar.ProgressBar // nil: no terminal
	begin time.Time
}

// Progress begins to tell of work with a number of steps or bytes; -1: nobody knows how many. On a terminal it is a bar that Done takes away; else
// a line at the beginning and one at the end.
func (t *Terminal) Progress(title string, total int64, bytes bool) *Progress {
	p := &Progress{t: t, title: title, begin: time.Now()}
	if !t.Interactive() {
		fmt.Fprintf(t.w, "%s …\n", title)
		return p
	}
	p.bar = progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(t.w), progressbar.OptionSetDescription(title), progressbar.OptionShowBytes(bytes),
		progressbar.OptionSetWidth(30), progressbar.OptionThrottle(50*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "━", SaucerHead: "╸", SaucerPadding: " ", BarStart: "▕", BarEnd: "▏"}),
		progressbar.OptionSpinnerType(14))
	return p
}

// Add tells of n steps or bytes more.
func (p *Progress) Add(n int64) {
	if p.bar != nil {
		_ = p.bar.Add64(n) // the screen is gone: there is nobody to tell
	}
}

// Total sets the number of steps or bytes, once it is known.
func (p *Progress) Total(n int64) {
	if p.bar != nil {
		p.bar.ChangeMax64(n)
	}
}

// Done ends it with a line that says how it went and how long it took.
func (p *Progress) Done(err error) {
	if p.bar != nil {
		_ = p.bar.Finish() // as above
		_ = p.bar.Clear()
	}
	took := time.Since(p.begin).Round(100 * time.Millisecond)
	if err != nil {
		fmt.Fprintf(p.t.w, "%s %s failed after %v\n", p.t.Paint(Bad, "✗"), p.title, took)
		return
	}
	fmt.Fprintf(p.t.w, "%s %s %s\n", p.t.Paint(Good, "✓"), p.title, p.t.Paint(Faint, took.String()))
}
