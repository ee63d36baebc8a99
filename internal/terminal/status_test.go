package terminal_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/dubbofn/dubbofn/internal/terminal"
)

func TestWhatIsNoTerminalHasNoStatusLine(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	l := terminal.New(&b).StatusLine()
	l.Set("2 asleep")
	fmt.Fprint(l, "one\ntw")
	l.Set("1 asleep")
	fmt.Fprint(l, "o\n")
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if b.String() != "one\ntwo\n" {
		t.Errorf("%q", b.String())
	}
}

func TestManyMayPrintAboveAStatusLine(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	l := terminal.New(&b).StatusLine()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				fmt.Fprintf(l, "line %d of %d\n", j, i)
				l.Set(fmt.Sprint(j))
			}
		})
	}
	wg.Wait()
	if n := strings.Count(b.String(), "\n"); n != 400 {
		t.Errorf("%d lines", n)
	}
}
