package fn

import "strings"

// plain tells whether s can stand in a service key and in a registry's names.
func plain(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool {
		return c != '.' && c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	})
}

// canonicalVersion gives "" for the version that means none (Java: BaseServiceMetadata.buildServiceKey, 3.3).
func canonicalVersion(v string) string {
	if v == "0.0.0" {
		return ""
	}
	return v
}
