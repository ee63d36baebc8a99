package top

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/dubbofn/dubbofn/internal/terminal"
)

// Run shows the table on a terminal, asked for anew each interval, until a key or ctx ends it.
func Run(ctx context.Context, out io.Writer, keys io.Reader, interval time.Duration, admin string, ask func(context.Context) ([]Row, error)) error {
	s := &screen{ctx: ctx, t: terminal.New(out), interval: interval, admin: admin, ask: ask, sorted: 0}
	p := tea.NewProgram(s, tea.WithContext(ctx), tea.WithInput(keys), tea.WithOutput(out), tea.WithAltScreen(), tea.WithoutSignalHandler())
	_, err := p.Run()
	if errors.Is(err, tea.ErrProgramKilled) && ctx.Err() != nil {
		err = nil
	}
	return err
}

// screen is what is on it.
type screen struct {
	ctx      context.Context //nolint:containedctx // bubbletea hands none to what it calls
	t        *terminal.Terminal
	interval time.Duration
	admin    string
	ask      func(context.Context) ([]Row, error)

	rows    []Row
	err     error
	asked   time.Time
	sorted  int
	turned  bool
	chosen  string
	height  int
	stopped bool
}

// looked is what one look saw.
type looked struct {
	rows []Row
	err  error
}

type again struct{}

// Init implements [tea.Model].
func (s *screen) Init() tea.Cmd { return s.look }

func (s *screen) look() tea.Msg {
	rows, err := s.ask(s.ctx)
	return looked{rows, err}
}

// Update implements [tea.Model].
func (s *screen) Update(m tea.Msg) (tea.Model, tea.Cmd) {
	switch m := m.(type) {
	case tea.WindowSizeMsg:
		s.height = m.Height
	case looked:
		if s.err = m.err; m.err == nil {
			s.rows, s.asked = m.rows, time.Now()
			s.sort()
		}
		return s, tea.Tick(s.interval, func(time.Time) tea.Msg { return again{} })
	case again:
		return s, s.look
	case tea.KeyMsg:
		if m.Type != tea.KeyRunes {
			return s, s.key(m.String())
		}
		var end tea.Cmd
		for _, r := range m.Runes { // keys that came fast come together
			if c := s.key(string(r)); c != nil {
				end = c
			}
		}
		return s, end
	}
	return s, nil
}

func (s *screen) key(name string) tea.Cmd {
	n := len(columns())
	switch name {
	case "q", "esc", "ctrl+c":
		s.stopped = true
		return tea.Quit
	case "s", "right", "l":
		s.sorted = (s.sorted + 1) % n
	case "left", "h":
		s.sorted = (s.sorted + n - 1) % n
	case "r":
		s.turned = !s.turned
	case "down", "j":
		s.move(1)
	case "up", "k":
		s.move(-1)
	}
	s.sort()
	return nil
}

func (s *screen) move(by int) {
	if len(s.rows) == 0 {
		return
	}
	at := slices.IndexFunc(s.rows, func(r Row) bool { return r.App == s.chosen })
	if at < 0 && by < 0 {
		at = 0
	}
	s.chosen = s.rows[(at+by+len(s.rows))%len(s.rows)].App
}

func (s *screen) sort() {
	less := columns()[s.sorted].less
	slices.SortStableFunc(s.rows, func(a, b Row) int {
		if d := less(a, b); d != 0 {
			if s.turned {
				return -d
			}
			return d
		}
		return strings.Compare(a.App, b.App)
	})
}

// View implements [tea.Model].
func (s *screen) View() string {
	if s.stopped {
		return ""
	}
	var b strings.Builder
	awake, calls := 0, 0.0
	for _, r := range s.rows {
		calls += r.Rate
		if r.State == "awake" {
			awake++
		}
	}
	fmt.Fprintf(&b, "%s  %s  %d of %d awake, %.1f calls/s\n\n", s.t.Paint(terminal.Strong, "dubbofn top"), s.t.Paint(terminal.Faint, s.admin), awake, len(s.rows), calls)
	names := []string{}
	for i, c := range columns() {
		if i == s.sorted {
			c.name += map[bool]string{false: "↓", true: "↑"}[s.turned]
		}
		names = append(names, c.name)
	}
	chosen := s.chosen
	if chosen == "" {
		chosen = " " // none, and the names keep their place
	}
	rows, hidden := s.visible()
	b.WriteString(table(s.t, names, rows, chosen))
	if hidden > 0 {
		b.WriteString(s.t.Paint(terminal.Faint, fmt.Sprintf("  and %d more", hidden)) + "\n")
	}
	b.WriteString("\n" + s.about())
	if s.err != nil {
		b.WriteString(s.t.Paint(terminal.Bad, printable(s.err.Error())) + "\n")
	}
	b.WriteString(s.t.Paint(terminal.Faint, "↑ ↓ choose   ← → s sort   r turn round   q end") + "\n")
	return b.String()
}

// visible gives the rows that fit, the chosen one among them.
func (s *screen) visible() (rows []Row, hidden int) {
	const around = 9 // lines of everything else
	room := len(s.rows)
	if s.height > 0 {
		room = max(s.height-around, 3)
	}
	if len(s.rows) <= room {
		return s.rows, 0
	}
	at := max(slices.IndexFunc(s.rows, func(r Row) bool { return r.App == s.chosen }), 0)
	from := min(max(at-room/2, 0), len(s.rows)-room)
	return s.rows[from : from+room], len(s.rows) - room
}

// about says more of the chosen one.
func (s *screen) about() string {
	for _, r := range s.rows {
		if r.App != s.chosen {
			continue
		}
		var facts []string
		for _, f := range []string{r.URL, printableIf("port %d", r.Port), printableIf("revision %s", r.Revision), r.Trouble, r.Fault} {
			if f != "" {
				facts = append(facts, printable(f))
			}
		}
		return s.t.Paint(terminal.Faint, strings.Join(facts, "  ")) + "\n\n"
	}
	return ""
}

func printableIf[T comparable](format string, v T) string {
	var none T
	if v == none {
		return ""
	}
	return fmt.Sprintf(format, v)
}
