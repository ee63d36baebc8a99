package supervise

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
)

const (
	maxLine   = 16 << 10 // a longer line is cut into several
	keptLines = 20
)

// printer writes whole lines of many processes to one writer.
type printer struct {
	mu  sync.Mutex
	out io.Writer
}

func (p *printer) print(prefix string, line []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// Who reads the terminal may have gone; the function goes on.
	_, _ = fmt.Fprintf(p.out, "%s%s\n", prefix, line)
}

// lines takes what one process prints, as an [io.Writer]; it keeps the last lines.
type lines struct {
	to     *printer
	prefix string

	mu   sync.Mutex
	rest []byte
	kept []string
}

// Write passes whole lines on and keeps the rest.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(b)
	for {
		line, rest, ended := bytes.Cut(b, []byte{'\n'})
		if !ended {
			break
		}
		l.line(append(l.rest, line...))
		l.rest, b = l.rest[:0], rest
	}
	l.rest = append(l.rest, b...)
	for len(l.rest) > maxLine {
		l.line(l.rest[:maxLine])
		l.rest = append(l.rest[:0], l.rest[maxLine:]...)
	}
	return n, nil
}

func (l *lines) line(b []byte) {
	for len(b) > maxLine {
		l.line(b[:maxLine])
		b = b[maxLine:]
	}
	l.to.print(l.prefix, b)
	if len(l.kept) == keptLines {
		l.kept = append(l.kept[:0], l.kept[1:]...)
	}
	l.kept = append(l.kept, string(b))
}

// last gives the last lines, that without an end included.
func (l *lines) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) > 0 {
		l.line(l.rest)
		l.rest = nil
	}
	return strings.Join(l.kept, "\n")
}

// prefix is what stands in front of the lines of the function of a number, all names being padded to the same width.
func prefix(name string, width, number int, colour bool) string {
	if !colour {
		return fmt.Sprintf("%-*s │ ", width, name)
	}
	colours := []int{36, 35, 33, 32, 34, 96, 95, 93, 92, 94}
	return fmt.Sprintf("\x1b[%dm%-*s │\x1b[0m ", colours[number%len(colours)], width, name)
}
