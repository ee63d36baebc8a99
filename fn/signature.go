package fn

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/internal/javatype"
)

// signature is what the name of a method says of its Java types: "java.util.Collection<java.lang.String> tags(long,java.lang.String[])".
type signature struct {
	name   string
	given  bool     // the parameters are
	params []string // Java's types
	result string   // "" where nothing is said
}

// readSignature takes the name of a method apart. A name alone says nothing of types.
func readSignature(text string) (s signature, err error) {
	head, rest, given := strings.Cut(text, "(")
	if !given {
		s.name = text
		return s, nil
	}
	s.given = true
	head = strings.TrimSpace(head)
	if i := strings.LastIndexAny(head, " \t"); i >= 0 {
		s.result, head = withoutBlanks(head[:i]), head[i+1:]
		if !javatype.IsType(s.result) && s.result != "void" {
			err = fmt.Errorf("result %q: want a Java type like int, java.lang.String[] or java.util.List<org.example.User>", s.result)
		}
	}
	s.name = head
	rest = withoutBlanks(rest)
	inner, closed := strings.CutSuffix(rest, ")")
	if !closed {
		return s, errors.Join(err, fmt.Errorf("signature %q: want it to end in )", text))
	}
	if inner == "" {
		return s, err
	}
	s.params = typeArguments("<" + inner + ">")
	for _, p := range s.params {
		if !javatype.IsType(p) {
			err = errors.Join(err, fmt.Errorf("parameter %q: want a Java type like int, java.lang.String[] or java.util.List<org.example.User>", p))
		}
	}
	return s, err
}

func withoutBlanks(s string) string { return strings.Join(strings.Fields(s), "") }

// declare puts the Java types that a signature names in the place of those that Go's types tell.
func (b *bound) declare() error {
	var faults []error
	for i, java := range b.said.params {
		if b.sig.Params[i].Fits(javatype.Descriptor(java)) == hessian.FitNone {
			faults = append(faults, fmt.Errorf("argument %d: a %v can't be read from Java's %s", i+1, b.params[i], java))
			continue
		}
		b.forms[i] = java
	}
	if java := b.said.result; java != "" {
		if err := b.declareResult(java); err != nil {
			faults = append(faults, err)
		}
		b.result = java
	}
	return errors.Join(faults...)
}

// future is what Java's asynchronous methods give; what travels is its argument.
const future = "java.util.concurrent.CompletableFuture"

func (b *bound) declareResult(java string) error {
	if inner, ok := strings.CutPrefix(java, future+"<"); ok {
		if java = strings.TrimSuffix(inner, ">"); java == "java.lang.Void" {
			java = "void"
		}
	}
	if b.sig.Result == nil || java == "void" {
		if b.sig.Result == nil && java == "void" {
			return nil
		}
		return fmt.Errorf("result: Go gives %s where Java's method gives %s", b.result, java)
	}
	return declarable(b.sig.Result, b.method.result, java)
}

// declarable tells whether Java may know a value of a Go type as this type of its own. A number must have just that width: Java does not
// widen what comes.
func declarable(p *hessian.Plan, rt reflect.Type, java string) error {
	fit := p.Fits(javatype.Descriptor(java))
	if fit == hessian.FitNone || fit != hessian.FitExact && (boxes[java] != "" || isBox(java)) {
		return fmt.Errorf("a %v can't be Java's %s", rt, java)
	}
	return nil
}

func isBox(java string) bool {
	for _, box := range boxes {
		if box == java {
			return true
		}
	}
	return false
}
