package classfile

import (
	"archive/zip"
	"fmt"
	"io"
	"path"
	"strings"
)

// What of a jar is read. The largest jars of the JDK and of Maven's repository are below all of them.
const (
	maxEntries    = 100_000
	maxEntryBytes = 4 << 20
	maxJarBytes   = 1 << 30 // of all entries that are read, unpacked
)

// EachInJar hands on the class files and the Java sources of a jar of size bytes, or of any other zip, one after another; data is read into
// memory for each. It ends with the first error. What a jar has for certain versions of Java only (META-INF/versions) is left out, and so
// are jars within the jar.
func EachInJar(r io.ReaderAt, size int64, each func(name string, data []byte) error) error {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return fmt.Errorf("jar: %w", err)
	}
	if len(z.File) > maxEntries {
		return fmt.Errorf("jar: %d entries (limit %d)", len(z.File), maxEntries)
	}
	left := int64(maxJarBytes)
	for _, f := range z.File {
		if !interesting(f.Name) {
			continue
		}
		data, err := unpack(f, left)
		if err != nil {
			return fmt.Errorf("jar: entry %q: %w", f.Name, err)
		}
		left -= int64(len(data))
		if err := each(f.Name, data); err != nil {
			return err
		}
	}
	return nil
}

func interesting(name string) bool {
	switch base := path.Base(name); {
	case strings.HasPrefix(name, "META-INF/versions/"), base == "module-info.class", base == "package-info.class", base == "module-info.java", base == "package-info.java":
		return false
	}
	return strings.HasSuffix(name, ".class") || strings.HasSuffix(name, ".java")
}

// unpack reads an entry. The size that it announces is not believed, only refused.
func unpack(f *zip.File, left int64) ([]byte, error) {
	limit := min(left, maxEntryBytes)
	if f.UncompressedSize64 > uint64(limit) {
		return nil, fmt.Errorf("%d bytes (limit %d)", f.UncompressedSize64, limit)
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if closeErr := r.Close(); err == nil {
		err = closeErr
	}
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("more than %d bytes", limit)
	}
	return data, err
}
