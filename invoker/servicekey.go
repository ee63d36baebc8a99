package invoker

import (
	"fmt"
	"strings"
)

// ServiceKey names a service: a Java interface, and the version and group that tell its providers apart.
// Version "0.0.0" and the empty version are the same for Dubbo; ServiceKey keeps what it was given.
type ServiceKey struct {
	Interface string // "org.example.GreetService"
	Version   string // "" or "1.0.0"
	Group     string // "" or "blue"
}

// String gives Dubbo's form "[group/]interface[:version]" (Java: BaseServiceMetadata.buildServiceKey, 3.3).
func (k ServiceKey) String() string {
	var b strings.Builder
	if k.Group != "" {
		b.WriteString(k.Group)
		b.WriteByte('/')
	}
	b.WriteString(k.Interface)
	if k.Version != "" && k.Version != "0.0.0" {
		b.WriteByte(':')
		b.WriteString(k.Version)
	}
	return b.String()
}

// ParseServiceKey reads the form that [ServiceKey.String] writes.
func ParseServiceKey(s string) (ServiceKey, error) {
	var k ServiceKey
	rest := s
	if g, r, ok := strings.Cut(rest, "/"); ok {
		k.Group, rest = g, r
	}
	if i, v, ok := strings.Cut(rest, ":"); ok {
		rest, k.Version = i, v
	}
	k.Interface = rest
	if k.Interface == "" || strings.ContainsAny(k.Interface, "/: \t\n") {
		return ServiceKey{}, fmt.Errorf("parse service key: %q has no interface; want [group/]interface[:version]", s)
	}
	return k, nil
}
