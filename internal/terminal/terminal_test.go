package terminal_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/internal/terminal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWhatIsNoTerminalGetsNoEscapeSequences(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	out := terminal.New(&b)
	b.WriteString(out.Paint(terminal.Bad, "bad") + out.Table([]string{"NAME", "STATE"}, [][]string{{out.Paint(terminal.Strong, "greet"), "asleep"}, {"board-of-names", "awake"}}))
	p := out.Progress("pushing", 10, true)
	p.Add(5)
	p.Done(nil)
	p = out.Progress("pulling", -1, false)
	p.Done(errors.New("refused"))
	if s := b.String(); strings.ContainsAny(s, "\x1b\r") {
		t.Fatalf("it has escape sequences: %q", s)
	}
	if out.Interactive() {
		t.Error("a buffer is taken for a terminal")
	}
	for _, want := range []string{"NAME           STATE\n", "greet          asleep\n", "board-of-names awake\n", "✓ pushing", "✗ pulling failed"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
}
