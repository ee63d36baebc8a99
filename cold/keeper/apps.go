package keeper

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/dubbofn/dubbofn/internal/fresh"
	"github.com/dubbofn/dubbofn/internal/keeperwire"
)

// AnyApp is the name of an [App] that stands for every application that no other one names: all of them show its token, and are kept
// apart all the same.
const AnyApp = "*"

// maxApps bounds the applications that a keeper knows at once.
const maxApps = 4096

// App is an application that may use the keeper.
type App struct {
	Name  string
	Token string
	may   []pattern
}

// NewApp makes one. targets are what it may have connections to, "HOST:PORT" each: HOST is a network ("10.0.0.0/8", "[fd00::]/8"), an address, a name,
// names under one ("*.example.org"), or "*"; PORT a number or "*". Without any it gets no connection.
func NewApp(name, token string, targets ...string) (App, error) {
	a := App{Name: name, Token: token}
	var faults []error
	if name == "" || strings.ContainsAny(name, " \t\r\n#") {
		faults = append(faults, fmt.Errorf("app %q: want a Dubbo application's name", name))
	}
	if token == "" {
		faults = append(faults, fmt.Errorf("app %q has no token", name))
	}
	for _, t := range targets {
		p, err := parsePattern(t)
		if err != nil {
			faults = append(faults, fmt.Errorf("app %q: %w", name, err))
		}
		a.may = append(a.may, p)
	}
	return a, errors.Join(faults...)
}

// Allows tells whether the application may have a connection to "host:port". A name is never looked up for it: one that leads to an address that is allowed
// is not allowed by that.
func (a App) Allows(address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	for _, p := range a.may {
		if p.matches(host, port) {
			return true
		}
	}
	return false
}

// pattern is a target that is allowed.
type pattern struct {
	network netip.Prefix // valid: only addresses in it
	name    string       // "*", "*.example.org", "orders.example.org"; "" with a network
	port    string       // "*" or a number
}

func parsePattern(s string) (pattern, error) {
	bad := func() (pattern, error) {
		return pattern{}, fmt.Errorf("target %q: want HOST:PORT, with a network, an address, a name, *.NAME or * for HOST, and a number or * for PORT", s)
	}
	colon := strings.LastIndexByte(s, ':')
	if colon < 1 || s[colon+1:] == "" {
		return bad()
	}
	host, port := s[:colon], s[colon+1:]
	if port != "*" && (keeperwire.Target{Address: "a:" + port}).Validate() != nil {
		return bad()
	}
	bare := strings.NewReplacer("[", "", "]", "").Replace(host)
	if network, err := netip.ParsePrefix(bare); err == nil {
		return pattern{network: network.Masked(), port: port}, nil
	}
	if address, err := netip.ParseAddr(bare); err == nil {
		return pattern{network: netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen()), port: port}, nil
	}
	if name := strings.TrimPrefix(host, "*."); host != "*" && (strings.ContainsAny(name, "*/[]: ") || name == "") {
		return bad()
	}
	return pattern{name: strings.ToLower(host), port: port}, nil
}

func (p pattern) matches(host, port string) bool {
	if p.port != "*" && p.port != port {
		return false
	}
	if p.name == "*" {
		return true
	}
	if p.network.IsValid() {
		address, err := netip.ParseAddr(host)
		return err == nil && p.network.Contains(address.Unmap())
	}
	host = strings.ToLower(host)
	if under, ok := strings.CutPrefix(p.name, "*"); ok {
		return strings.HasSuffix(host, under)
	}
	return host == p.name
}

const maxAppsBytes = 1 << 20

// ParseApps reads applications, a line each: its name, its token, and the targets that it may have, separated by commas. What follows a '#' at the beginning of a
// line is a comment. The error joins all faults, with their lines, and no token.
func ParseApps(text string) ([]App, error) {
	var apps []App
	var faults []error
	seen := map[string]bool{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) < 2 || len(fields) > 3 {
			faults = append(faults, fmt.Errorf("line %d: %d words: want an app, its token and its targets (HOST:PORT,…)", n, len(fields)))
			continue
		}
		var targets []string
		if len(fields) == 3 {
			targets = strings.Split(fields[2], ",")
		}
		a, err := NewApp(fields[0], fields[1], targets...)
		if err != nil {
			faults = append(faults, fmt.Errorf("line %d: %w", n, err))
		}
		if seen[a.Name] {
			faults = append(faults, fmt.Errorf("line %d: app %q is there twice", n, a.Name))
		}
		seen[a.Name] = true
		apps = append(apps, a)
	}
	return apps, errors.Join(faults...)
}

// ReadApps reads a file of applications (see [ParseApps]) for Config.Apps. It may be replaced: what it says then holds within a second; one that makes no sense is refused in the log.
func ReadApps(path string, log *slog.Logger) (func() []App, error) {
	held, err := fresh.New([]string{path}, func() ([]App, error) {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.Size() > maxAppsBytes {
			return nil, fmt.Errorf("%s has %d bytes (limit %d)", path, info.Size(), maxAppsBytes)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		apps, err := ParseApps(string(b))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return apps, nil
	}, log)
	if err != nil {
		return nil, fmt.Errorf("keeper: read apps: %w", err)
	}
	return held.Get, nil
}
