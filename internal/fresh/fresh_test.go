package fresh_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/internal/fresh"
)

func TestValueFollowsItsFileAndKeepsTheLastGoodOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "word")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	errBad := errors.New("bad")
	reads := 0
	read := func() (string, error) {
		reads++
		b, err := os.ReadFile(file)
		if string(b) == "bad" {
			err = errBad
		}
		return string(b), err
	}
	if _, err := fresh.New([]string{file}, read, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	write("bad")
	if _, err := fresh.New([]string{file}, read, nil); !errors.Is(err, errBad) {
		t.Errorf("with a bad file: %v", err)
	}
	write("one")
	synctest.Test(t, func(t *testing.T) {
		reads = 0
		v, err := fresh.New([]string{file}, read, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ file, want string }{{"one", "one"}, {"other", "other"}, {"bad", "other"}, {"", ""}, {"three", "three"}} {
			write(c.file)
			before := v.Get()
			time.Sleep(fresh.Every)
			if got := v.Get(); got != c.want {
				t.Errorf("file %q: %q, want %q", c.file, got, c.want)
			}
			if reads == 1 && before != "one" {
				t.Errorf("looked at once: %q", before)
			}
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		time.Sleep(fresh.Every)
		before := reads
		for range 5 {
			if got := v.Get(); got != "three" {
				t.Errorf("without a file: %q", got)
			}
			time.Sleep(fresh.Every)
		}
		if reads != before+1 {
			t.Errorf("%d reads of a file that did not change", reads-before)
		}
	})
}
