package invoker

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// URL is a Dubbo URL: protocol://[user:password@]host[:port][/path][?key=value&…]. It is a value; Params is shared by copies.
type URL struct {
	Protocol string // "dubbo", "nacos", "embedded"
	User     string
	Password string
	Host     string // name or address, IPv6 without brackets; empty for embedded://
	Port     int    // 0 when absent
	Path     string // without the leading slash
	Params   map[string]string
}

// ParseURL reads a Dubbo URL. Several hosts may be given by the parameter "backup" or separated by commas (see Addresses).
func ParseURL(s string) (URL, error) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || scheme == "" {
		return URL{}, fmt.Errorf("parse url: %q has no protocol; want protocol://host:port", redact(s))
	}
	// net/url refuses a comma-separated port list, so the first address is parsed and the others become "backup".
	var backup string
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	if host, more, ok := strings.Cut(rest[:end], ","); ok {
		backup, rest = more, host+rest[end:]
	}
	u, err := url.Parse(scheme + "://" + rest)
	if err != nil {
		return URL{}, fmt.Errorf("parse url: %q: not protocol://[user:password@]host[:port][/path][?key=value]", redact(s))
	}
	r := URL{Protocol: u.Scheme, Host: u.Hostname(), Path: strings.TrimPrefix(u.Path, "/"), Params: map[string]string{}}
	if u.User != nil {
		r.User = u.User.Username()
		r.Password, _ = u.User.Password()
	}
	if p := u.Port(); p != "" {
		if r.Port, err = strconv.Atoi(p); err != nil || r.Port > 65535 {
			return URL{}, fmt.Errorf("parse url: %q: port %q is not in 0 to 65535", redact(s), p)
		}
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return URL{}, fmt.Errorf("parse url: %q: parameters: %w", redact(s), err)
	}
	for k, v := range q {
		r.Params[k] = v[len(v)-1]
	}
	if backup != "" {
		if have := r.Params["backup"]; have != "" {
			backup += "," + have
		}
		r.Params["backup"] = backup
	}
	return r, nil
}

// Param gives a parameter, "" when absent.
func (u URL) Param(key string) string { return u.Params[key] }

// Address gives "host:port", IPv6 in brackets.
func (u URL) Address() string { return net.JoinHostPort(u.Host, strconv.Itoa(u.Port)) }

// Addresses gives the URL's own address and those of the parameter "backup"; a missing port is the default port.
func (u URL) Addresses(defaultPort int) []string {
	one := func(host string, port int) string {
		if port == 0 {
			port = defaultPort
		}
		return net.JoinHostPort(host, strconv.Itoa(port))
	}
	all := []string{one(u.Host, u.Port)}
	for a := range strings.SplitSeq(u.Params["backup"], ",") {
		if a = strings.TrimSpace(a); a == "" {
			continue
		}
		host, port, err := net.SplitHostPort(a)
		if err != nil {
			all = append(all, one(strings.Trim(a, "[]"), 0))
			continue
		}
		n, _ := strconv.Atoi(port)
		all = append(all, one(host, n))
	}
	return all
}

// String gives the URL with its parameters sorted, and the password and secret parameters hidden.
func (u URL) String() string {
	x := url.URL{Scheme: u.Protocol, Host: u.Host, Path: u.Path}
	if u.Port != 0 {
		x.Host = u.Address()
	}
	if x.Path != "" && !strings.HasPrefix(x.Path, "/") {
		x.Path = "/" + x.Path
	}
	if u.User != "" {
		x.User = url.UserPassword(u.User, "***")
	}
	q := url.Values{}
	for k, v := range u.Params {
		if secret(k) {
			v = "***"
		}
		q.Set(k, v)
	}
	x.RawQuery = q.Encode()
	return x.String()
}

// redact hides what may be secret in a URL that could not be parsed: the user and password, and the parameters.
func redact(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if ok {
		scheme += "://"
	} else {
		scheme, rest = "", s
	}
	head, params, ok := strings.Cut(rest, "?")
	if strings.Contains(params, "@") { // the question mark may be a password's
		return scheme + "***"
	}
	if ok {
		rest = head + "?…"
	}
	if i := strings.LastIndex(rest, "@"); i >= 0 {
		rest = "***" + rest[i:]
	}
	return scheme + rest
}

// secret tells whether a parameter of this name is not to be shown: "password", "token", "secretKey" and their like.
func secret(key string) bool {
	key = strings.ToLower(key)
	return strings.Contains(key, "password") || strings.Contains(key, "secret") || key == "token"
}
