package local

import (
	"cmp"
	"net"
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/internal/environ"
)

const loopback = "127.0.0.1"

// place says where consumers connect, where nobody has said it: to this machine alone with the embedded registry. In any other one Java consumers look,
// who take 127.0.0.1 for the address of their own interface (NetUtils.filterLocalHost, 2.7 and 3.x), on this machine too.
func place(registries, bind, host string) (listen, register string) {
	others := slices.ContainsFunc(environ.SplitURLs(strings.Split(registries, ",")), func(s string) bool { return !strings.HasPrefix(s, "embedded:") })
	if !others {
		return cmp.Or(bind, loopback), cmp.Or(host, loopback)
	}
	if host != "" {
		if at := net.ParseIP(host); at != nil && at.IsLoopback() { // where nobody else could connect, nobody else needs to
			bind = cmp.Or(bind, host)
		}
		return bind, host
	}
	if at := net.ParseIP(bind); at != nil && !at.IsUnspecified() {
		return bind, bind
	}
	return bind, outer()
}

// outer is this machine's first address that others may reach, or loopback.
func outer() string {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return loopback
	}
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() && ip.IP.To4() != nil {
			return ip.IP.String()
		}
	}
	return loopback
}
