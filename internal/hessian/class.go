package hessian

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"unsafe"
)

// classDef is a class definition of the body at hand.
type classDef struct {
	raw  []byte // its bytes after the tag
	n    int    // fields
	plan *Plan  // the struct plan that prog is for
	prog *program
	dyn  *objectClass // for instances without a struct plan
}

// program is what a struct plan does with the fields of one class definition, in the order in which they come.
type program struct {
	raw []byte
	n   int
	ops []op
}

type op struct {
	code opcode
	off  uintptr
	plan *Plan
}

// objectClass is a class definition in plain words.
type objectClass struct {
	name   string
	fields []string
}

// maxPrograms bounds how many class definitions a plan remembers across bodies; Java sends one or two for a class.
const maxPrograms = 64

// maxObjectClasses bounds how many class definitions a Types remembers for dynamic values.
const maxObjectClasses = 1024

// classDefinition reads a class definition, whose tag is at d.pos. want, where not nil, is the plan that the next object is
// likely to be read by.
func (d *Decoder) classDefinition(want *Plan) error {
	at := d.pos
	var def classDef
	if want != nil {
		if last := want.last.Load(); last != nil && bytes.HasPrefix(d.b[at+1:], last.raw) {
			d.pos += 1 + len(last.raw)
			def = classDef{raw: last.raw, n: last.n, plan: want, prog: last}
		}
	}
	if def.raw == nil {
		d.pos++
		n, err := d.classHead()
		if err != nil {
			return err
		}
		def = classDef{raw: d.b[at+1 : d.pos], n: n}
	}
	if at > d.classEnd {
		d.classEnd = at
		if len(d.classes) == maxClasses {
			return d.fail(KindLimit, at, "more than %d class definitions", maxClasses)
		}
		if len(d.classes) == cap(d.classes) {
			if err := d.charge((2*len(d.classes) + 8) * int(unsafe.Sizeof(def))); err != nil {
				return err
			}
			d.classes = slices.Grow(d.classes, len(d.classes)+8)
		}
		d.classes = append(d.classes, def)
	}
	return nil
}

// definitions reads the class definitions that may stand before any value; want as for classDefinition.
func (d *Decoder) definitions(want *Plan) error {
	if d.pos < len(d.b) && d.b[d.pos] == tagClass {
		return d.moreDefinitions(want)
	}
	return nil
}

func (d *Decoder) moreDefinitions(want *Plan) error {
	for d.pos < len(d.b) && d.b[d.pos] == tagClass {
		if err := d.classDefinition(want); err != nil {
			return err
		}
	}
	return nil
}

// lead passes over class definitions, and over null where it follows them. It gives the tag that stands there then, tagNull
// where it was null, 0 at the end of the body.
func (d *Decoder) lead(want *Plan) (byte, error) {
	if err := d.definitions(want); err != nil || d.pos >= len(d.b) {
		return 0, err
	}
	tag := d.b[d.pos]
	if tag == tagNull {
		d.pos++
	}
	return tag, nil
}

// classHead passes over the name and the fields of a class definition and gives the number of fields.
func (d *Decoder) classHead() (int, error) {
	name := d.pos
	if err := d.skipString(); err != nil {
		return 0, err
	}
	compact := isCompact(d.b[name:d.pos])
	at := d.pos
	n, err := d.integer("the number of fields")
	if err != nil {
		return 0, err
	}
	if n < 0 || n > int64(len(d.b)-d.pos) {
		return 0, d.fail(KindLimit, at, "a class of %d fields, with %d bytes left", n, len(d.b)-d.pos)
	}
	for range n {
		if err := d.skipString(); err != nil {
			return 0, err
		}
	}
	if n == 0 && compact {
		return 1, nil
	}
	return int(n), nil
}

// isCompact tells of the classes whose instances hessian-lite 4.0.4 may write, when a system property asks for it, as one
// long without a field (java8.LocalDateSerializer and LocalTimeSerializer in their compact mode).
func isCompact(name []byte) bool {
	return string(name) == "\x13java.time.LocalDate" || string(name) == "\x13java.time.LocalTime"
}

// words gives the class definition raw in plain words.
func words(raw []byte) objectClass {
	d := Decoder{b: raw, alloc: 2 * len(raw), lim: Limits{AllocFactor: 2}}
	name, _ := d.str() // it was read before, and can't fail
	n, _ := d.integer("")
	c := objectClass{name: name, fields: make([]string, n)}
	for i := range c.fields {
		c.fields[i], _ = d.str()
	}
	if n == 0 && isCompact(raw[:1+min(len(name), len(raw)-1)]) {
		c.fields = []string{compactField}
	}
	return c
}

// compactField stands for the field that has no name in the class definition.
const compactField = "compact"

// objectHead reads what comes before an object's fields: class definitions and the object's tag. It gives the number of
// its class and where its tag is.
func (d *Decoder) objectHead(want *Plan) (class, at int, err error) {
	if err := d.definitions(want); err != nil {
		return 0, 0, err
	}
	at = d.pos
	if at >= len(d.b) {
		return 0, at, d.short()
	}
	switch tag := d.b[at]; {
	case tag >= tagObjectMin && tag <= tagObjectMax:
		d.pos++
		class = int(tag) - tagObjectMin
	case tag == tagObject:
		d.pos++
		n, err := d.int32()
		if err != nil {
			return 0, at, err
		}
		class = int(n)
	default:
		return 0, at, d.mismatch("an object")
	}
	if class < 0 || class >= len(d.classes) {
		return 0, at, d.fail(KindMalformed, at, "an object of class definition %d of %d", class, len(d.classes))
	}
	return class, at, nil
}

// program gives what p does with the fields of class number class.
func (d *Decoder) program(class int, p *Plan) (*program, error) {
	def := &d.classes[class]
	if def.plan == p {
		return def.prog, nil
	}
	prog := p.program(def.raw)
	if prog == nil {
		if err := d.charge(len(def.raw) + def.n*int(unsafe.Sizeof(op{})+2*unsafe.Sizeof(""))); err != nil {
			return nil, err
		}
		prog = p.link(def.raw, def.n)
		if len(def.raw) <= maxRemembered {
			p.last.Store(prog)
		}
		remember(&p.programs, maxPrograms, def.raw, prog)
	}
	def.plan, def.prog = p, prog
	return prog, nil
}

// program finds the program for a class definition, nil if it has to be made.
func (p *Plan) program(raw []byte) *program {
	if last := p.last.Load(); last != nil && bytes.Equal(last.raw, raw) {
		return last
	}
	if known := p.programs.Load(); known != nil {
		if prog := (*known)[string(raw)]; prog != nil {
			p.last.Store(prog)
			return prog
		}
	}
	return nil
}

// link makes the program for a class definition.
func (p *Plan) link(raw []byte, n int) *program {
	prog := &program{raw: bytes.Clone(raw), n: n, ops: make([]op, n)}
	for i, name := range words(raw).fields {
		if f := p.field(name); f != nil {
			prog.ops[i] = op{f.plan.op, f.off, f.plan}
		}
	}
	return prog
}

// field finds a field by its Java name; where there is none, by that name in other capitals.
func (p *Plan) field(name string) *field {
	for i := range p.fields {
		if p.fields[i].name == name {
			return &p.fields[i]
		}
	}
	for i := range p.fields {
		if strings.EqualFold(p.fields[i].name, name) {
			return &p.fields[i]
		}
	}
	return nil
}

// objectClass gives the class definition number class in plain words.
func (d *Decoder) objectClass(class int) (*objectClass, error) {
	def := &d.classes[class]
	if def.dyn == nil {
		if known := d.t.objects.Load(); known != nil {
			def.dyn = (*known)[string(def.raw)]
		}
	}
	if def.dyn == nil {
		if err := d.charge(2*len(def.raw) + def.n*2*int(unsafe.Sizeof(""))); err != nil {
			return nil, err
		}
		c := words(def.raw)
		def.dyn = &c
		remember(&d.t.objects, maxObjectClasses, def.raw, def.dyn)
	}
	return def.dyn, nil
}

// maxRemembered is how long a class definition may be to be remembered.
const maxRemembered = 4096

// remember adds to a map that is read without a lock, up to so many entries. Of two that add at once one may be forgotten.
func remember[V any](known *atomic.Pointer[map[string]*V], limit int, raw []byte, v *V) {
	if len(raw) > maxRemembered {
		return
	}
	old := known.Load()
	m := map[string]*V{}
	if old != nil {
		if len(*old) >= limit {
			return
		}
		m = maps.Clone(*old)
	}
	m[string(raw)] = v
	known.CompareAndSwap(old, &m)
}
