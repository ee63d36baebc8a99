package cold

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Snapshot is what one process of an application leaves to the next: sections of bytes by name, which only their writers understand. It is a
// hint: whoever gets an error for one logs it and goes on without.
type Snapshot struct {
	Owner    string            // the application, at most 256 bytes
	Made     time.Time         // to the millisecond
	Sections map[string][]byte // at most 64, with names of 1 to 64 bytes
}

// MaxSnapshotBytes bounds an encoded snapshot.
const MaxSnapshotBytes = 8 << 20

const (
	snapshotMagic    = "dfnsnap"
	snapshotVersion  = 1
	snapshotMinBytes = len(snapshotMagic) + 1 + 2 + 8 + 2 + crc32.Size
	maxSections      = 64
	maxSectionName   = 64
	maxOwner         = 256
	snapshotAhead    = time.Hour // clocks may differ by this much
)

// Encode gives the snapshot's bytes, the same for the same content:
//
//	"dfnsnap"  version 1 (1 byte)  owner (length in 2 bytes, big-endian as all)  made (milliseconds since 1970, 8 bytes)
//	number of sections (2 bytes)  each, by name: name (length in 2 bytes), content (length in 4 bytes)
//	CRC-32 (IEEE: its table is made when first used, not at every start) of all before it (4 bytes)
//
// The error names the limit that it is over.
func (s Snapshot) Encode() ([]byte, error) {
	size := snapshotMinBytes + len(s.Owner)
	if len(s.Owner) > maxOwner || len(s.Sections) > maxSections {
		return nil, fmt.Errorf("encode snapshot: an owner of %d bytes (limit %d), %d sections (limit %d)", len(s.Owner), maxOwner, len(s.Sections), maxSections)
	}
	for name, content := range s.Sections {
		if name == "" || len(name) > maxSectionName {
			return nil, fmt.Errorf("encode snapshot: section %.100q: want a name of 1 to %d bytes", name, maxSectionName)
		}
		size += 2 + len(name) + 4 + len(content)
	}
	if size > MaxSnapshotBytes {
		return nil, fmt.Errorf("encode snapshot: %d bytes (limit %d)", size, MaxSnapshotBytes)
	}
	b := append(make([]byte, 0, size), snapshotMagic...)
	b = append(b, snapshotVersion)
	b = appendShort(b, s.Owner)
	b = binary.BigEndian.AppendUint64(b, uint64(s.Made.UnixMilli()))
	b = binary.BigEndian.AppendUint16(b, uint16(len(s.Sections)))
	for _, name := range slices.Sorted(maps.Keys(s.Sections)) {
		b = appendShort(b, name)
		b = binary.BigEndian.AppendUint32(b, uint32(len(s.Sections[name])))
		b = append(b, s.Sections[name]...)
	}
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)), nil
}

func appendShort(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

// DecodeSnapshot reads owner's snapshot from b, from wherever that came; the sections share b's memory. The error says what is wrong with it: it
// is no snapshot, another version's, torn, another owner's, or older than maxAge (0: of any age).
func DecodeSnapshot(b []byte, owner string, maxAge time.Duration) (Snapshot, error) {
	s, err := parseSnapshot(b)
	if err != nil {
		return Snapshot{}, fmt.Errorf("read snapshot: %w", err)
	}
	age := time.Since(s.Made)
	switch {
	case s.Owner != owner:
		return Snapshot{}, fmt.Errorf("read snapshot: it is that of %.300q, want %q", s.Owner, owner)
	case maxAge > 0 && age > maxAge:
		return Snapshot{}, fmt.Errorf("read snapshot: it is %v old (limit %v)", age.Round(time.Second), maxAge)
	case age < -snapshotAhead:
		return Snapshot{}, fmt.Errorf("read snapshot: it was made at %v, which is to come", s.Made.UTC().Format(time.RFC3339))
	}
	return s, nil
}

var errTorn = errors.New("it is torn: lengths and checksum don't agree")

func parseSnapshot(b []byte) (s Snapshot, err error) {
	switch {
	case len(b) > MaxSnapshotBytes:
		return s, fmt.Errorf("it has more than %d bytes", MaxSnapshotBytes)
	case len(b) < snapshotMinBytes || string(b[:len(snapshotMagic)]) != snapshotMagic:
		return s, errors.New("it is none")
	case b[len(snapshotMagic)] != snapshotVersion:
		return s, fmt.Errorf("it is of version %d, want %d", b[len(snapshotMagic)], snapshotVersion)
	}
	sum := len(b) - crc32.Size
	if binary.BigEndian.Uint32(b[sum:]) != crc32.ChecksumIEEE(b[:sum]) {
		return s, errTorn
	}
	r := fieldReader{rest: b[len(snapshotMagic)+1 : sum]}
	s.Owner = string(r.take(int(r.number(2))))
	s.Made = time.UnixMilli(int64(r.number(8)))
	n := int(r.number(2))
	if n > maxSections || len(s.Owner) > maxOwner {
		return s, errTorn
	}
	s.Sections = make(map[string][]byte, n)
	last := ""
	for range n {
		name := string(r.take(int(r.number(2))))
		content := r.take(int(r.number(4)))
		if name <= last || len(name) > maxSectionName { // one form for one content
			return s, errTorn
		}
		s.Sections[name], last = content, name
	}
	if r.short || len(r.rest) > 0 {
		return s, errTorn
	}
	return s, nil
}

// fieldReader takes fields from the front of what is there; what is missing reads as zero, and is remembered.
type fieldReader struct {
	rest  []byte
	short bool
}

func (r *fieldReader) take(n int) []byte {
	if n > len(r.rest) {
		r.rest, r.short = nil, true
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *fieldReader) number(size int) (n uint64) {
	for _, b := range r.take(size) {
		n = n<<8 | uint64(b)
	}
	return n
}

// ReadSnapshot reads owner's snapshot from a file, as DecodeSnapshot does. A file that isn't there is an error too ([io/fs.ErrNotExist]).
func ReadSnapshot(path, owner string, maxAge time.Duration) (Snapshot, error) {
	f, err := os.Open(path)
	if err != nil {
		return Snapshot{}, fmt.Errorf("read snapshot: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	if i, err := f.Stat(); err != nil || !i.Mode().IsRegular() {
		return Snapshot{}, fmt.Errorf("read snapshot: %s is no regular file", path) // a pipe could hold the start up
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(io.LimitReader(f, MaxSnapshotBytes+1)); err != nil {
		return Snapshot{}, fmt.Errorf("read snapshot: %w", err)
	}
	s, err := DecodeSnapshot(b.Bytes(), owner, maxAge)
	if err != nil {
		return Snapshot{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// WriteFile replaces a file by the snapshot: whoever reads it sees the old one or the new one, whole, even after a crash. Its mode is 0600, since
// sections may hold secrets (tickets of TLS sessions).
func (s Snapshot) WriteFile(path string) error {
	b, err := s.Encode()
	if err != nil {
		return err
	}
	if err := replaceFile(path, b); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	return nil
}

func replaceFile(path string, b []byte) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // err says what matters
		}
	}()
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	// Some file systems can't sync a folder. The file is whole either way.
	_ = d.Sync()
	return d.Close()
}
