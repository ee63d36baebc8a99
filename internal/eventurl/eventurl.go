// Package eventurl reads what the URL of a broker or a store says, and tells every fault of it at once.
package eventurl

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/invoker"
)

// Settings are a URL's parameters. Each is asked for once; [Settings.Err] names those that nobody asked for. For one goroutine.
type Settings struct {
	url    invoker.URL
	left   map[string]string
	known  []string
	faults []error
}

// New begins to read a URL.
func New(u invoker.URL) *Settings {
	s := &Settings{url: u, left: maps.Clone(u.Params)}
	delete(s.left, "backup") // where further hosts are, once the URL was read
	return s
}

func (s *Settings) take(name string) (string, bool) {
	v, ok := s.left[name]
	delete(s.left, name)
	s.known = append(s.known, name)
	return v, ok
}

// Fault adds one that is not a single parameter's.
func (s *Settings) Fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Errorf(format, args...))
}

// Text gives a parameter as it is.
func (s *Settings) Text(name, otherwise string) string {
	if v, ok := s.take(name); ok {
		return v
	}
	return otherwise
}

// OneOf gives a parameter with a closed set of values; the first of them is the default.
func (s *Settings) OneOf(name string, values ...string) string {
	v, ok := s.take(name)
	if !ok {
		return values[0]
	}
	if !slices.Contains(values, v) {
		s.Fault("%s=%q: want %s", name, v, strings.Join(values, ", "))
	}
	return v
}

// Int gives a number between least and most.
func (s *Settings) Int(name string, otherwise, least, most int) int {
	v, ok := s.take(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		s.Fault("%s=%q: want a number from %d to %d", name, v, least, most)
		return otherwise
	}
	return n
}

// Bool gives true or false; without the parameter, false.
func (s *Settings) Bool(name string) bool {
	v, ok := s.take(name)
	if !ok {
		return false
	}
	b, err := strconv.ParseBool(v)
	if err != nil {
		s.Fault("%s=%q: want true or false", name, v)
	}
	return b
}

// Duration gives a time between least and most, written as Go writes it: 500ms, 10s, 24h.
func (s *Settings) Duration(name string, otherwise, least, most time.Duration) time.Duration {
	v, ok := s.take(name)
	if !ok {
		return otherwise
	}
	d, err := time.ParseDuration(v)
	if err != nil || d < least || d > most {
		s.Fault("%s=%q: want a duration from %v to %v, such as %v", name, v, least, most, otherwise)
		return otherwise
	}
	return d
}

// TLS reads tls, ca, cert, key and servername: nil without tls=true or any of the files. A client's certificate that is renewed is not seen before the next start.
func (s *Settings) TLS(log *slog.Logger) *tls.Config {
	on := s.Bool("tls")
	c := auth.TLSConfig{CAFile: s.Text("ca", ""), CertFile: s.Text("cert", ""), KeyFile: s.Text("key", ""), ServerName: s.Text("servername", ""), Log: log}
	if !on && c.CAFile == "" && c.CertFile == "" && c.KeyFile == "" && c.ServerName == "" {
		return nil
	}
	t, err := auth.NewTLS(c)
	if err != nil {
		s.faults = append(s.faults, err)
		return nil
	}
	return t.Client()
}

// Err gives every fault, those of parameters that do not exist among them, or nil.
func (s *Settings) Err() error {
	for _, name := range slices.Sorted(maps.Keys(s.left)) {
		known := slices.Sorted(slices.Values(s.known))
		s.Fault("unknown parameter %q: there are %s", name, strings.Join(known, ", "))
	}
	clear(s.left)
	if len(s.faults) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %w", s.url, errors.Join(s.faults...))
}
