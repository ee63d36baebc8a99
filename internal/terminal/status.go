package terminal

import (
	"bytes"
	"strings"
	"sync"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// Escapes tells whether colours and a status line may be printed: a person reads, and neither NO_COLOR nor TERM says otherwise.
func (t *Terminal) Escapes() bool { return t.file != nil && t.renderer.ColorProfile() != termenv.Ascii }

// StatusLine keeps a line at the bottom of what is printed, while others print above it by its Write. Where [Terminal.Escapes] is false there is none,
// and Write passes everything on as it is. Safe for concurrent use; nobody else may print to the terminal meanwhile.
type StatusLine struct {
	t *Terminal

	mu    sync.Mutex
	text  string
	drawn bool
	open  bool // what was printed last ends in the middle of a line
}

// StatusLine makes one, with nothing in it yet.
func (t *Terminal) StatusLine() *StatusLine { return &StatusLine{t: t} }

// erase goes to the begin of the line and clears it.
const erase = "\r\x1b[2K"

// Write prints above the line. It returns the writer's error, and how many of b's bytes were taken: all or none.
func (l *StatusLine) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(b) == 0 {
		return 0, nil
	}
	var out bytes.Buffer // one write, so that nothing flickers
	if l.drawn {
		out.WriteString(erase)
		l.drawn = false
	}
	out.Write(b)
	l.open = b[len(b)-1] != '\n'
	l.draw(&out)
	if _, err := l.t.Write(out.Bytes()); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Set has another text in the line, which may be painted; what is wider than the terminal, or follows an end of line, is cut off. "": no line.
func (l *StatusLine) Set(text string) {
	text, _, _ = strings.Cut(text, "\n")
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = text
	var out bytes.Buffer
	if l.drawn {
		out.WriteString(erase)
		l.drawn = false
	}
	l.draw(&out)
	if out.Len() > 0 {
		_, _ = l.t.Write(out.Bytes()) // the terminal is gone: there is nobody to tell
	}
}

// Close takes the line away.
func (l *StatusLine) Close() error {
	l.Set("")
	return nil
}

// draw adds the line to what is printed; the lock is held.
func (l *StatusLine) draw(out *bytes.Buffer) {
	if l.text == "" || l.open || !l.t.Escapes() {
		return
	}
	// The last column stays free: some terminals begin another line there.
	out.WriteString(lipgloss.NewStyle().Inline(true).MaxWidth(max(l.t.Width()-1, 1)).Render(l.text))
	l.drawn = true
}
