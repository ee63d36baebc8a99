package rule

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// stringMatch compares a text in one of several ways (Java: StringMatch, 3.3.6); the first that is given counts.
type stringMatch struct {
	Exact    *string `yaml:"exact"`
	Prefix   *string `yaml:"prefix"`
	Regex    *string `yaml:"regex"`
	Noempty  *string `yaml:"noempty"`
	Empty    *string `yaml:"empty"`
	Wildcard *string `yaml:"wildcard"`

	re *regexp.Regexp
}

func (m *stringMatch) compile(where string) error {
	if m.Regex == nil {
		if m.Exact == nil && m.Prefix == nil && m.Noempty == nil && m.Empty == nil && m.Wildcard == nil {
			return fmt.Errorf("%s: want exact, prefix, regex, wildcard, empty or noempty", where)
		}
		return nil
	}
	var err error
	if m.re, err = regexp.Compile("^(?:" + *m.Regex + ")$"); err != nil {
		return fmt.Errorf("%s: regex %q: %w (Go's syntax: no look-around, no back references)", where, *m.Regex, err)
	}
	return nil
}

// matches tells whether a text matches; "" is one that is not there.
func (m *stringMatch) matches(s string) bool {
	switch {
	case m.Exact != nil && s != "":
		return s == *m.Exact
	case m.Prefix != nil && s != "":
		return strings.HasPrefix(s, *m.Prefix)
	case m.Regex != nil && s != "":
		return m.re.MatchString(s)
	case m.Wildcard != nil && s != "":
		return *m.Wildcard == "*" || *m.Wildcard == s // no more than that in Java either
	case m.Empty != nil:
		return s == ""
	case m.Noempty != nil:
		return s != ""
	}
	return false
}

// glob matches a pattern with one '*' (Java: UrlUtils.isMatchGlobPattern, 3.3.6: of several only the last counts as one).
func glob(pattern, s string) bool {
	if pattern == "*" {
		return true
	}
	if pattern == "" || s == "" {
		return pattern == s
	}
	i := strings.LastIndexByte(pattern, '*')
	if i < 0 {
		return pattern == s
	}
	return strings.HasPrefix(s, pattern[:i]) && strings.HasSuffix(s, pattern[i+1:])
}

// inRange matches a range of whole numbers: "1~10" or "~10" (Java: RangeValuePattern, 3.3.6). What can't be read gives otherwise,
// and so does "1~", which Java reads as half a range.
func inRange(pattern, s string, otherwise bool) bool {
	low, high, _ := strings.Cut(pattern, "~")
	high, _, _ = strings.Cut(high, "~")
	n, ok := whole(s)
	from, fromOK := whole(low)
	to, toOK := whole(high)
	if !ok || !fromOK || !toOK || high == "" {
		return otherwise
	}
	return (low == "" || n >= from) && n <= to
}

// whole reads a number as Java's StringUtils.parseInteger does, which gives 0 for what is none.
func whole(s string) (int64, bool) {
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, true
		}
	}
	if s == "" {
		return 0, true
	}
	n, err := strconv.ParseInt(s, 10, 32)
	return n, err == nil
}

// address is a pattern for addresses: an IP address, in which a part may be * or a range, a network, or a host's name, with or
// without a port (Java: NetUtils.matchIpExpression, 3.3.6).
type address struct {
	text    string
	network netip.Prefix
	parts   []string
	port    string
}

func parseAddress(s string) (address, error) {
	a := address{text: strings.TrimSpace(s)}
	if a.text == "" {
		return a, fmt.Errorf("address %q: want one like 10.0.0.1:20880, 10.0.0.*, 10.0.0.0/16 or *:20880", s)
	}
	if strings.Contains(a.text, "/") {
		var err error
		if a.network, err = netip.ParsePrefix(a.text); err != nil {
			return a, fmt.Errorf("address %q: want a network like 10.0.0.0/16", s)
		}
		return a, nil
	}
	host := a.text
	if strings.Count(host, ":") == 1 {
		host, a.port, _ = strings.Cut(host, ":")
		if _, err := strconv.ParseUint(a.port, 10, 16); err != nil && a.port != "*" {
			return a, fmt.Errorf("address %q: port %q: want a number or *", s, a.port)
		}
	}
	a.parts = strings.Split(host, ".")
	if strings.ContainsAny(host, "*-") && host != "*" && len(a.parts) == 4 {
		for _, p := range a.parts {
			low, high, isRange := strings.Cut(p, "-")
			if p == "*" || isRange && numeric(low) && numeric(high) || numeric(p) {
				continue
			}
			return a, fmt.Errorf("address %q: part %q: want a number, * or a range like 1-63", s, p)
		}
	}
	a.text = host
	return a, nil
}

func numeric(s string) bool {
	_, err := strconv.ParseUint(s, 10, 8)
	return err == nil
}

func (a address) matches(host, port string) bool {
	if a.network.IsValid() {
		ip, err := netip.ParseAddr(host)
		return err == nil && a.network.Contains(ip)
	}
	if a.port != "" && a.port != "*" && a.port != port {
		return false
	}
	if a.text == host || a.text == "*" || a.text == "0.0.0.0" && a.port != "" {
		return true
	}
	parts := strings.Split(host, ".")
	if len(parts) != 4 || len(a.parts) != 4 {
		return false
	}
	for i, p := range a.parts {
		if p == "*" || p == parts[i] {
			continue
		}
		low, high, ok := strings.Cut(p, "-")
		if !ok {
			return false
		}
		n, err := strconv.Atoi(parts[i])
		from, fromErr := strconv.Atoi(low)
		to, toErr := strconv.Atoi(high)
		if err != nil || fromErr != nil || toErr != nil || n < from || n > to {
			return false
		}
	}
	return true
}
