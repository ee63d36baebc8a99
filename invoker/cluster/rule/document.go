// Package rule reads Dubbo's governance rules, in its own YAML, and follows them in a config centre: tag routers, condition routers
// and configurators.
//
// A document that makes no sense is refused as a whole, with its first faults, and the last good one goes on holding.
package rule

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

const (
	maxBytes = 256 << 10
	maxDepth = 32
	maxKeys  = 4096 // the reader compares each key of a map with all others there
)

// head is what every rule begins with.
type head struct {
	ConfigVersion string `yaml:"configVersion"`
	Scope         string `yaml:"scope"` // "service" or "application"
	Key           string `yaml:"key"`
	Force         bool   `yaml:"force"`
	Enabled       *bool  `yaml:"enabled"`
}

func (h head) enabled() bool { return h.Enabled == nil || *h.Enabled }

// read decodes a document. The errors name the line.
func read(doc string, into any) (err error) {
	if len(doc) > maxBytes {
		return fmt.Errorf("the rule has %d bytes (limit %d)", len(doc), maxBytes)
	}
	defer func() {
		if p := recover(); p != nil { // the library's, on what no rule holds
			err = fmt.Errorf("not the YAML of a rule: %v", p)
		}
		if err != nil {
			err = errors.New(brief(err.Error()))
		}
	}()
	if err := shallow(doc); err != nil {
		return err
	}
	if err := yaml.Unmarshal([]byte(doc), into); err != nil {
		return fmt.Errorf("not the YAML of a rule: %s", strings.TrimSpace(yaml.FormatError(err, false, true)))
	}
	return nil
}

// shallow refuses what a rule never needs and a reader may choke on: deep nesting, many keys, and aliases, which multiply.
func shallow(doc string) error {
	depth, column, line, opened, keys := 0, 0, 0, 0, 0 // opened: what begins on the line, "- - -" or "a: b:", each within the one before
	for _, t := range lexer.Tokenize(doc) {
		if t.Position.Line != line {
			line, opened = t.Position.Line, 0
		}
		switch t.Type { //nolint:exhaustive // the rest is harmless
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return fmt.Errorf("line %d: anchors and aliases (%q) are not taken in rules: write the value out", t.Position.Line, t.Value)
		case token.TagType, token.DirectiveType:
			return fmt.Errorf("line %d: %q: types and directives are not taken in rules", t.Position.Line, t.Value)
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType:
			if t.Type != token.SequenceEntryType {
				keys++
			}
			column = max(column, t.Position.IndentNum)
			if depth == 0 {
				opened++
			}
		}
		if depth+opened > maxDepth || column > 8*maxDepth {
			return fmt.Errorf("line %d: nested deeper than %d levels", t.Position.Line, maxDepth)
		}
		if keys > maxKeys {
			return fmt.Errorf("line %d: more keys than a rule may have (limit %d)", t.Position.Line, maxKeys)
		}
	}
	return nil
}

// known refuses versions that mean something else.
func known(version string) error {
	switch {
	case version == "", strings.HasPrefix(version, "v2."), strings.HasPrefix(version, "v3.0"):
		return nil
	}
	return fmt.Errorf("configVersion %q: want v2.7 or v3.0", version)
}

// paramMatch compares a parameter of a provider (Java: ParamMatch).
type paramMatch struct {
	Key   string       `yaml:"key"`
	Value *stringMatch `yaml:"value"`
}

func (m paramMatch) matches(value string) bool { return m.Value != nil && m.Value.matches(value) }

func (m paramMatch) check(where string) error {
	if m.Key == "" || m.Value == nil {
		return fmt.Errorf("%s: want a key and a value (exact, prefix, regex, wildcard, empty or noempty)", where)
	}
	return m.Value.compile(where + ", " + m.Key)
}

const (
	maxFaults     = 10
	maxFaultBytes = 500
)

// join gives the first faults in order, nil for none, in brief: they quote a document that may be large.
func join(faults []error) error {
	var first []error
	for i, f := range faults {
		if i == maxFaults {
			first = append(first, fmt.Errorf("and %d more faults", len(faults)-maxFaults))
			break
		}
		first = append(first, errors.New(brief(f.Error())))
	}
	return errors.Join(first...)
}

// brief leaves out the middle of a long text: it begins with the place and ends with what is wanted there.
func brief(s string) string {
	if len(s) <= maxFaultBytes {
		return s
	}
	return strings.ToValidUTF8(s[:maxFaultBytes/2], "") + " … " + strings.ToValidUTF8(s[len(s)-maxFaultBytes/2:], "")
}
