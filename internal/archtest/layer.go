package archtest

import (
	"fmt"
	"slices"
	"strings"
)

const root = "github.com/dubbofn/dubbofn"

// layer is what one package may import.
type layer struct {
	uses    []string          // packages of this module, relative to its root
	modules map[string]string // third-party module → the reason why this package, and no other way
}

// module tells which third-party module an import path belongs to, by the longest prefix that some layer or the tests
// name; an unknown one is reported by its path.
func module(path string, known []string) string {
	best := path
	found := 0
	for _, m := range known {
		if len(m) > found && (path == m || strings.HasPrefix(path, m+"/")) {
			best, found = m, len(m)
		}
	}
	return best
}

// thirdParty tells whether an import path is outside the standard library and this module.
func thirdParty(path string) bool {
	if path == root || strings.HasPrefix(path, root+"/") {
		return false
	}
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".")
}

// edges gives a fault for each import of pkg that its layer does not allow.
func edges(pkg string, imports []string, layers map[string]layer, everywhere map[string]string) []string {
	l, ok := layers[pkg]
	if !ok {
		return []string{pkg + ": not in the table of layers: say in layers_test.go what it may import"}
	}
	known := make([]string, 0, len(everywhere))
	for m := range everywhere {
		known = append(known, m)
	}
	for _, l := range layers {
		for m := range l.modules {
			known = append(known, m)
		}
	}
	var faults []string
	for _, path := range imports {
		own, inside := strings.CutPrefix(path, root+"/")
		switch {
		case inside && own != pkg && !slices.Contains(l.uses, own):
			faults = append(faults, fmt.Sprintf("%s: imports %s, allowed: %v", pkg, own, l.uses))
		case thirdParty(path):
			m := module(path, known)
			if l.modules[m] == "" && everywhere[m] == "" {
				faults = append(faults, fmt.Sprintf("%s: imports %s, a module that its entry does not name", pkg, m))
			}
		}
	}
	return faults
}
