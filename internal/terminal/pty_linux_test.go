package terminal_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dubbofn/dubbofn/internal/terminal"
)

// pty gives both ends of a terminal of a number of columns.
func pty(t *testing.T, columns uint16) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this machine has no pseudo terminals: %v", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		t.Skipf("this machine has no pseudo terminals: %v", err)
	}
	t.Cleanup(func() { _ = slave.Close() })
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// printed is what do printed to a terminal, as it came.
func printed(t *testing.T, columns uint16, do func(*terminal.Terminal)) string {
	t.Helper()
	master, slave := pty(t, columns)
	got := make(chan string, 1)
	go func() {
		b, err := io.ReadAll(master)
		if err != nil && !errors.Is(err, syscall.EIO) { // what a terminal says whose other end is closed
			b = append(b, err.Error()...)
		}
		got <- string(b)
	}()
	do(terminal.New(slave))
	if err := slave.Close(); err != nil {
		t.Error(err)
	}
	select {
	case s := <-got:
		return s
	case <-time.After(10 * time.Second):
		t.Fatal("the terminal's other end is not closed")
		return ""
	}
}

// person sets the environment in which a person reads, whatever the machine's is.
func person(t *testing.T) {
	t.Helper()
	for k, v := range map[string]string{"TERM": "xterm-256color", "NO_COLOR": "", "COLORTERM": "", "CLICOLOR": "", "CLICOLOR_FORCE": "", "CI": ""} {
		t.Setenv(k, v)
	}
}

// screen is what a person sees: lines, of which \r goes to the begin and \x1b[2K clears one. Colours are left out.
func screen(s string) []string {
	var lines []string
	for line := range strings.SplitSeq(s, "\n") {
		seen, column := []rune{}, 0
		for line != "" {
			if strings.HasPrefix(line, "\x1b[") {
				end := strings.IndexAny(line, "Km")
				if line[end] == 'K' {
					seen = seen[:0]
				}
				line = line[end+1:]
				continue
			}
			r := []rune(line)[0]
			line = line[len(string(r)):]
			if r == '\r' {
				column = 0
				continue
			}
			seen = append(seen[:min(column, len(seen))], append([]rune{r}, seen[min(column+1, len(seen)):]...)...)
			column++
		}
		lines = append(lines, string(seen))
	}
	return lines
}

func TestTheStatusLineStaysBelowWhatIsPrinted(t *testing.T) { //nolint:paralleltest // it sets the environment
	person(t)
	for _, c := range []struct {
		what string
		do   func(*terminal.StatusLine)
		want []string
	}{
		{"a line", func(l *terminal.StatusLine) { l.Set("2 asleep") }, []string{"2 asleep"}},
		{"text above it", func(l *terminal.StatusLine) { l.Set("2 asleep"); fmt.Fprint(l, "one\ntwo\n") }, []string{"one", "two", "2 asleep"}},
		{"another line", func(l *terminal.StatusLine) { l.Set("2 asleep"); fmt.Fprint(l, "one\n"); l.Set("1") }, []string{"one", "1"}},
		{"half a line above", func(l *terminal.StatusLine) { l.Set("2 asleep"); fmt.Fprint(l, "on") }, []string{"on"}},
		{"its other half", func(l *terminal.StatusLine) {
			l.Set("2 asleep")
			fmt.Fprint(l, "on")
			l.Set("1 asleep")
			fmt.Fprint(l, "e\n")
		}, []string{"one", "1 asleep"}},
		{"a line that is wider", func(l *terminal.StatusLine) { l.Set(strings.Repeat("ä", 50)); fmt.Fprint(l, "one\n") }, []string{"one", strings.Repeat("ä", 19)}},
		{"two lines", func(l *terminal.StatusLine) { l.Set("a\nb") }, []string{"a"}},
		{"the end", func(l *terminal.StatusLine) { l.Set("2 asleep"); fmt.Fprint(l, "one\n"); _ = l.Close() }, []string{"one", ""}},
	} {
		got := printed(t, 20, func(term *terminal.Terminal) {
			if !term.Escapes() || !term.Interactive() {
				t.Error("a terminal is none")
			}
			c.do(term.StatusLine())
		})
		if strings.Join(screen(got), "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s: %q, want %q; it came as %q", c.what, screen(got), c.want, got)
		}
	}
}

func TestATerminalThatWantsNoColoursHasNoStatusLine(t *testing.T) { //nolint:paralleltest // it sets the environment
	for _, env := range [][2]string{{"dumb", ""}, {"xterm-256color", "1"}} {
		person(t)
		t.Setenv("TERM", env[0])
		t.Setenv("NO_COLOR", env[1])
		got := printed(t, 20, func(term *terminal.Terminal) {
			l := term.StatusLine()
			l.Set("2 asleep")
			fmt.Fprintln(l, term.Paint(terminal.Good, "one"))
			l.Set("1 asleep")
		})
		if got != "one\r\n" {
			t.Errorf("TERM=%s NO_COLOR=%s: %q", env[0], env[1], got)
		}
	}
}
