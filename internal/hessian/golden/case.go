package golden

import (
	"slices"
	"strings"
)

// Case is one golden value.
type Case struct {
	Name string
	// Dynamic is what a decoder that knows no classes gives; for several values in one body it is a []any of them.
	Dynamic any
	// EchoOnly tells that Dynamic isn't spelled out: what a decoder gives is told by writing it again.
	EchoOnly bool
	// Typed is the value as the Go type that stands for its declared Java type. It is nil where there is none.
	Typed any
	// Only33 tells of a value that Dubbo 2.7's Java loses itself: its bytes stand for something else.
	Only33 bool
	// Values is how many values the body holds.
	Values int
}

// ByRule tells of a case whose file has no body: it is long, and told by its length and hash.
func (c Case) ByRule() bool { return strings.HasPrefix(c.Name, "rule-") }

// Cases gives all golden values, freshly made. Every file has its case.
func Cases() []Case {
	all := slices.Concat(numbers(), texts(), bigNumbers(), times(), lists(), maps(), arrays(), enums(), objects(), graphs(), exceptions(), several())
	for i := range all {
		if all[i].Values == 0 {
			all[i].Values = 1
		}
	}
	return all
}

// same is a case whose dynamic value has the right type.
func same(name string, v any) Case { return Case{Name: name, Dynamic: v, Typed: v} }
