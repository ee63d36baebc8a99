package terminal

import (
	"io"
	"os"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/lipgloss/table"
	"github.com/muesli/termenv"
	"golang.org/x/term"
)

// Style is what a piece of text means, from which its colour follows.
type Style int

// The meanings.
const (
	Plain  Style = iota
	Good         // done, awake, as it should be
	Warn         // waking, worth a look
	Bad          // failed, missing
	Faint        // asleep, beside the point
	Strong       // a heading, a name
	Accent       // what to type, where to look
)

// Terminal is where a command prints. It is safe for concurrent use as far as its writer is.
type Terminal struct {
	w        io.Writer
	file     *os.File // nil: no terminal
	renderer *lipgloss.Renderer
}

// New looks at a writer: colours and widths are for terminals only.
func New(w io.Writer) *Terminal {
	t := &Terminal{w: w, renderer: lipgloss.NewRenderer(w)}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		t.file = f
	} else {
		t.renderer.SetColorProfile(termenv.Ascii)
	}
	return t
}

// Write prints bytes as they are.
func (t *Terminal) Write(b []byte) (int, error) { return t.w.Write(b) }

// Interactive tells whether a person reads what is printed.
func (t *Terminal) Interactive() bool { return t.file != nil }

// defaultWidth is that of what is no terminal, and of one that does not tell.
const defaultWidth = 100

// Width is the number of columns.
func (t *Terminal) Width() int {
	if t.file != nil {
		if w, _, err := term.GetSize(int(t.file.Fd())); err == nil && w > 0 {
			return w
		}
	}
	return defaultWidth
}

// Paint gives text the colour of its meaning; the text itself where there are no colours.
func (t *Terminal) Paint(s Style, text string) string {
	st := t.renderer.NewStyle()
	switch s {
	case Good:
		st = st.Foreground(lipgloss.AdaptiveColor{Light: "28", Dark: "78"})
	case Warn:
		st = st.Foreground(lipgloss.AdaptiveColor{Light: "130", Dark: "214"})
	case Bad:
		st = st.Foreground(lipgloss.AdaptiveColor{Light: "160", Dark: "203"}).Bold(true)
	case Faint:
		st = st.Foreground(lipgloss.AdaptiveColor{Light: "243", Dark: "245"})
	case Strong:
		st = st.Bold(true)
	case Accent:
		st = st.Foreground(lipgloss.AdaptiveColor{Light: "26", Dark: "75"})
	case Plain:
	}
	return st.Render(text)
}

// Table sets rows under a header, columns aligned, without rules: it can be read by people and cut by awk. Cells may be painted.
func (t *Terminal) Table(header []string, rows [][]string) string {
	bold := make([]string, len(header))
	for i, h := range header {
		bold[i] = t.Paint(Strong, h)
	}
	tab := table.New().Border(lipgloss.HiddenBorder()).BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).
		BorderHeader(false).Headers(bold...).Rows(rows...)
	var b strings.Builder
	for line := range strings.Lines(tab.Render() + "\n") {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}
