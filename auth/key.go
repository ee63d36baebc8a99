package auth

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/dubbofn/dubbofn/internal/fresh"
)

// Key is an access key. It prints without its secret.
type Key struct {
	ID     string
	Secret string
}

// String gives the id.
func (k Key) String() string { return k.ID }

// GoString gives the id.
func (k Key) GoString() string { return "auth.Key(" + k.ID + ")" }

// Validate says what is missing.
func (k Key) Validate() error {
	switch {
	case k.ID == "" || strings.ContainsAny(k.ID, " \t\r\n"):
		return fmt.Errorf("access key id %q: want a word", k.ID)
	case k.Secret == "":
		return fmt.Errorf("access key %q has no secret", k.ID)
	}
	return nil
}

// Keys are the access keys that a provider knows: those of a file, followed while it changes. Safe for concurrent use.
type Keys struct {
	file *fresh.Value[map[string]string]
}

// maxKeysBytes bounds a file of keys.
const maxKeysBytes = 1 << 20

// KeysFrom reads a file of keys: "ID SECRET" on each line, blank lines and those that begin with # left out. Several keys may belong to one
// consumer, so that they can be replaced one after another. A file that changes is read again within a second; one that then
// makes no sense is refused in the log, and the last good one holds. Its error names the line, never a secret.
func KeysFrom(path string, log *slog.Logger) (*Keys, error) {
	v, err := fresh.New([]string{path}, func() (map[string]string, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		keys, err := readKeys(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("access keys in %s: %w", path, err)
		}
		return keys, nil
	}, log)
	if err != nil {
		return nil, err
	}
	return &Keys{v}, nil
}

func readKeys(r io.Reader) (map[string]string, error) {
	keys := map[string]string{}
	var faults []error
	lines := bufio.NewScanner(io.LimitReader(r, maxKeysBytes+1))
	size := 0
	for n := 1; lines.Scan(); n++ {
		size += len(lines.Bytes()) + 1
		words := strings.Fields(lines.Text())
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
		case len(words) != 2:
			faults = append(faults, fmt.Errorf("line %d has %d words: want an access key id and its secret", n, len(words)))
		case keys[words[0]] != "":
			faults = append(faults, fmt.Errorf("line %d: access key %q is there twice", n, words[0]))
		default:
			keys[words[0]] = words[1]
		}
	}
	switch {
	case lines.Err() != nil:
		faults = append(faults, lines.Err())
	case size > maxKeysBytes:
		faults = append(faults, fmt.Errorf("more than %d bytes", maxKeysBytes))
	case len(keys) == 0 && len(faults) == 0:
		faults = append(faults, errors.New("no key: want lines of an access key id and its secret"))
	}
	return keys, errors.Join(faults...)
}

// secret gives an access key's secret, "" where there is none.
func (k *Keys) secret(id string) string { return k.file.Get()[id] }
