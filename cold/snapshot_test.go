package cold

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func snapshot() Snapshot {
	return Snapshot{Owner: "greet", Made: time.Now().Truncate(time.Millisecond), Sections: map[string][]byte{
		"registry": []byte("10.0.0.1:20880"), "tickets": bytes.Repeat([]byte{0}, 1000), "warm": {},
	}}
}

func encoded(tb testing.TB, s Snapshot) []byte {
	tb.Helper()
	b, err := s.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestSnapshotIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	want := snapshot()
	b := encoded(t, want)
	got, err := DecodeSnapshot(b, "greet", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if again := encoded(t, got); !bytes.Equal(again, b) {
		t.Error("the same content has other bytes")
	}
	empty, err := DecodeSnapshot(encoded(t, Snapshot{Made: time.Now()}), "", 0)
	if err != nil || len(empty.Sections) != 0 {
		t.Errorf("an empty one: %+v, %v", empty, err)
	}
}

// A byte that was changed anywhere, and an end that is missing, is noticed.
func TestSnapshotThatIsTornIsRefused(t *testing.T) {
	t.Parallel()
	good := encoded(t, snapshot())
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x40
		if _, err := DecodeSnapshot(bad, "greet", 0); err == nil {
			t.Fatalf("byte %d was changed: no error", i)
		}
		if _, err := DecodeSnapshot(good[:i], "greet", 0); err == nil {
			t.Fatalf("cut after %d bytes: no error", i)
		}
	}
	if _, err := DecodeSnapshot(append(bytes.Clone(good), 0), "greet", 0); err == nil {
		t.Error("a byte more: no error")
	}
}

func TestSnapshotErrorSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	sum := func(b []byte) []byte {
		b = b[:len(b)-4]
		return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	}
	version := encoded(t, snapshot())
	version[len(snapshotMagic)] = 2
	old := snapshot()
	old.Made = time.Now().Add(-25 * time.Hour)
	future := snapshot()
	future.Made = time.Now().Add(2 * time.Hour)
	length := encoded(t, snapshot())
	binary.BigEndian.PutUint16(length[len(snapshotMagic)+1:], 0xffff) // the owner's length, with a checksum that agrees
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"nothing":         {nil, "it is none"},
		"something else":  {[]byte("GIF89a, and more than enough bytes"), "it is none"},
		"another version": {sum(version), "it is of version 2, want 1"},
		"another's":       {encoded(t, Snapshot{Owner: "order", Made: time.Now()}), `it is that of "order", want "greet"`},
		"stale":           {encoded(t, old), "it is 25h0m0s old (limit 24h0m0s)"},
		"of the future":   {encoded(t, future), "which is to come"},
		"a lying length":  {sum(length), "it is torn"},
		"huge":            {make([]byte, MaxSnapshotBytes+1), "more than 8388608 bytes"},
	} {
		if _, err := DecodeSnapshot(c.b, "greet", 24*time.Hour); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestSnapshotOverALimitIsNotWritten(t *testing.T) {
	t.Parallel()
	many := map[string][]byte{}
	for i := range maxSections + 1 {
		many[fmt.Sprint(i)] = nil
	}
	for name, s := range map[string]Snapshot{
		"sections":  {Sections: many},
		"no name":   {Sections: map[string][]byte{"": nil}},
		"long name": {Sections: map[string][]byte{strings.Repeat("x", maxSectionName+1): nil}},
		"owner":     {Owner: strings.Repeat("x", maxOwner+1)},
		"bytes":     {Sections: map[string][]byte{"x": make([]byte, MaxSnapshotBytes)}},
	} {
		if _, err := s.Encode(); err == nil {
			t.Errorf("%s: no error", name)
		}
		if err := s.WriteFile(filepath.Join(t.TempDir(), "f")); err == nil {
			t.Errorf("%s: written", name)
		}
	}
}

func TestSnapshotFileIsReplacedWhole(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "snapshot")
	if _, err := ReadSnapshot(path, "greet", 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := snapshot().WriteFile(path); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				if err := snapshot().WriteFile(path); err != nil {
					t.Error(err)
				}
				if _, err := ReadSnapshot(path, "greet", 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	i, err := os.Stat(path)
	if err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", i.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := snapshot().WriteFile(filepath.Join(path, "below a file")); err == nil {
		t.Error("no error for a folder that is a file")
	}
}

func TestSnapshotFileThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := ReadSnapshot(dir, "greet", 0); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a folder: %v", err)
	}
	path := filepath.Join(dir, "big")
	if err := os.WriteFile(path, make([]byte, MaxSnapshotBytes+5), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadSnapshot(path, "greet", 0); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a huge file: %v", err)
	}
}

func FuzzSnapshot(f *testing.F) {
	for _, s := range []Snapshot{snapshot(), {}, {Owner: "x", Sections: map[string][]byte{"a": nil, "b": []byte("b")}}} {
		b := encoded(f, s)
		f.Add(b[:len(b)-4])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = binary.BigEndian.AppendUint32(bytes.Clone(b), crc32.ChecksumIEEE(b)) // or nothing would be behind the checksum
		s, err := parseSnapshot(b)
		if err != nil {
			return
		}
		if again, err := s.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x became %x, %v", b, again, err)
		}
	})
}
