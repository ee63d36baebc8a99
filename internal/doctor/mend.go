package doctor

import (
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/invoker"
)

// quote writes a word for a shell; what needs no quotes gets none.
func quote(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:,@=+%", r))
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// urlText writes a registry's URL for a shell. A password is never in it: the shell's variable NACOS_PASSWORD is.
func urlText(u invoker.URL) string {
	var b strings.Builder
	shell := false // it has variables in it
	b.WriteString(u.Protocol + "://")
	if u.User != "" {
		shell = true
		name := u.User
		if !strings.HasPrefix(name, "${") {
			name = url.PathEscape(name)
		}
		secret := u.Password
		if !strings.HasPrefix(secret, "${") {
			secret = "${NACOS_PASSWORD:?the password}"
		}
		b.WriteString(name + ":" + secret + "@")
	}
	if u.Host != "" {
		b.WriteString(strings.Join(u.Addresses(0), ","))
	}
	text := strings.ReplaceAll(b.String(), ":0,", ",")
	text = strings.TrimSuffix(text, ":0")
	if u.Path != "" {
		text += "/" + u.Path
	}
	sep := "?"
	for _, k := range slices.Sorted(maps.Keys(u.Params)) {
		v := url.QueryEscape(u.Params[k])
		switch k {
		case "backup":
			continue // among the addresses
		case "username":
			if u.User != "" {
				continue
			}
		case "password":
			if u.User != "" {
				continue
			}
			v, shell = "${NACOS_PASSWORD:?the password}", true
		}
		text += sep + url.QueryEscape(k) + "=" + v
		sep = "&"
	}
	if shell {
		return `"` + text + `"`
	}
	return quote(text)
}

// with gives a registry's URL with one parameter set, or without it.
func with(u invoker.URL, key, value string) invoker.URL {
	params := maps.Clone(u.Params)
	if params == nil {
		params = map[string]string{}
	}
	params[key] = value
	if value == "" {
		delete(params, key)
	}
	u.Params = params
	return u
}

// doctorCommand writes a call of the command that this package is behind, for the same registry.
func (x *examination) doctorCommand(words ...string) string {
	all := []string{"dubbofn", "doctor", "--registry", urlText(x.url)}
	if x.cfg.MetadataCenter != "" {
		if u, err := invoker.ParseURL(x.cfg.MetadataCenter); err == nil {
			all = append(all, "--metadata-center", urlText(u))
		}
	}
	for _, w := range words {
		all = append(all, quote(w))
	}
	return strings.Join(all, " ")
}

// local tells whether a host is this machine.
func local(host string) bool {
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// offline writes the command that has consumers told no more of an instance, in Nacos, under each of its names; "" for other registries. It
// holds until the instance goes.
func (x *examination) offline(host, port string, names ...string) string {
	if x.url.Protocol != "nacos" {
		return ""
	}
	at := x.nacosURL("/v1/ns/instance")
	login := ""
	if user(x.url) != "" {
		login = "&username=" + url.QueryEscape(user(x.url)) + "&password=${NACOS_PASSWORD:?the password}"
	}
	space := ""
	if n := x.url.Param("namespace"); n != "" && n != "public" {
		space = "&namespaceId=" + url.QueryEscape(n)
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = quote(n)
	}
	return "for name in " + strings.Join(quoted, " ") + `; do curl -fsS -X PUT "` + at + "?serviceName=$name&groupName=" + url.QueryEscape(groupOf(x.url)) + space +
		"&ip=" + url.QueryEscape(host) + "&port=" + port + `&ephemeral=true&enabled=false` + login + `" && echo; done`
}
