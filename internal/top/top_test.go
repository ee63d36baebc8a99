package top

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/internal/terminal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// said is what an activator says.
func said(path string, into any) error {
	text := `[{"app":"greet","state":"awake","instances":2,"parked":0,"port":20880},{"app":"board","state":"waking","parked":3},{"function":"bad.json","state":"refused","fault":"no\u001b[2Jmanifest"}]`
	if strings.HasPrefix(path, "/api/samples") {
		text = `{"now":10000,"functions":{"greet":[{"t":1000,"calls":7,"wakes":1,"p99_us":900000},{"t":6000,"calls":10,"errors":1,"p99_us":1000},{"t":7000,"calls":10,"p99_us":1500},{"t":8000,"calls":10,"p99_us":100},{"t":9000,"calls":10,"p99_us":100},{"t":10000,"calls":10,"p99_us":100}]}}`
	}
	return json.Unmarshal([]byte(text), into)
}

func TestRowsAreOfTheLastSeconds(t *testing.T) {
	t.Parallel()
	rows, err := Ask(said)
	if err != nil || len(rows) != 3 {
		t.Fatal(rows, err)
	}
	if r := rows[0]; r.Rate != 10 || r.Errors != .2 || r.P99 != 1500 || r.Wakes != 1 || r.Instances != 2 {
		t.Errorf("%+v", r)
	}
	if rows[2].App != "bad.json" {
		t.Errorf("%+v", rows[2])
	}
	if _, err := Ask(func(string, any) error { return errors.New("away") }); err == nil {
		t.Error("an activator that is away gives rows")
	}
}

func TestTheTableIsPlainWhereNobodyLooks(t *testing.T) {
	t.Parallel()
	rows, err := Ask(said)
	if err != nil {
		t.Fatal(err)
	}
	got := Table(terminal.New(&bytes.Buffer{}), rows, "")
	for _, want := range []string{"FUNCTION", "CALLS/S", "● awake", "◐ waking", "✗ refused", "10.0", "1.5 ms"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if strings.Contains(got, "\x1b") {
		t.Errorf("%q", got)
	}
}

func TestKeysChooseAndSort(t *testing.T) {
	t.Parallel()
	ask := func(context.Context) ([]Row, error) { return Ask(said) }
	s := &screen{ctx: t.Context(), t: terminal.New(&bytes.Buffer{}), interval: time.Second, admin: "here", ask: ask}
	s.Update(s.Init()())
	press := func(keys ...tea.KeyMsg) {
		for _, k := range keys {
			s.Update(k)
		}
	}
	letter := func(r rune) tea.KeyMsg { return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}} }
	if s.rows[0].App != "bad.json" {
		t.Errorf("sorted by name: %s", s.rows[0].App)
	}
	press(tea.KeyMsg{Type: tea.KeyDown})
	if view := s.View(); s.chosen != "bad.json" || !strings.Contains(view, "▸ bad.json") || !strings.Contains(view, "no[2Jmanifest") || strings.Contains(view, "\x1b") {
		t.Errorf("chosen %q:\n%s", s.chosen, view)
	}
	press(tea.KeyMsg{Type: tea.KeyUp})
	if s.chosen != "greet" {
		t.Errorf("chosen %q", s.chosen)
	}
	press(letter('s'), tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("ss")})
	if s.rows[0].App != "greet" || !strings.Contains(s.View(), "CALLS/S↓") {
		t.Errorf("sorted by calls:\n%s", s.View())
	}
	press(letter('r'), tea.KeyMsg{Type: tea.KeyRight}, tea.KeyMsg{Type: tea.KeyLeft})
	if s.rows[2].App != "greet" || !strings.Contains(s.View(), "CALLS/S↑") {
		t.Errorf("turned round:\n%s", s.View())
	}
	s.Update(looked{err: errors.New("away")})
	if view := s.View(); !strings.Contains(view, "away") || !strings.Contains(view, "greet") {
		t.Errorf("what was last seen is gone:\n%s", view)
	}
	s.Update(tea.WindowSizeMsg{Height: 10, Width: 80})
	s.rows = append(s.rows, s.rows...)
	if view := s.View(); !strings.Contains(view, "and 3 more") {
		t.Errorf("more than fits:\n%s", view)
	}
	if _, cmd := s.Update(letter('q')); cmd == nil || s.View() != "" {
		t.Error("q does not end it")
	}
}
