package hessian

import (
	"encoding"
	"fmt"
	"reflect"
	"sync/atomic"
	"unsafe"

	"github.com/dubbofn/dubbofn/java"
)

// special compiles the types that aren't what their Go kind says: values of package java, times, decimals, enums. The first
// are known from the beginning; see builtin.
func (c *compiler) special(p *Plan, path string) bool {
	rt := p.rt
	if rt == typeChar {
		charPlan(p)
		return true
	}
	if c.builtinPlan(p) {
		return true
	}
	class := c.t.names[rt]
	if class == "" && rt.Kind() != reflect.Struct && rt.Kind() != reflect.Pointer {
		class = ownClass(rt)
	}
	if class == "" {
		return false
	}
	switch k := rt.Kind(); {
	case class == classBigDecimal:
		c.textDecimal(p, path)
	case k == reflect.String:
		p.class = class
		c.enum(p, func(at unsafe.Pointer) (string, error) { return *(*string)(at), nil },
			func(name string, at unsafe.Pointer) error { *(*string)(at) = name; return nil })
	case k >= reflect.Int && k <= reflect.Uint64:
		p.class = class
		c.numberedEnum(p, path)
	case k == reflect.Struct:
		return false
	case k == reflect.Interface && rt.NumMethod() == 0 && rt.Name() != "": // an interface of Java's: what it holds has a class of its own
		anyPlan(p)
		p.java = class
	default:
		c.fault(path, "%v: a class (%q) for what is neither a struct nor an enum", rt, class)
	}
	return true
}

// enumValue is the form in which an enum's name travels.
type enumName struct {
	Name string
}

// enum compiles an enum, given how to get a constant's name and how to set a variable to the constant of a name. null is "".
func (c *compiler) enum(p *Plan, name func(unsafe.Pointer) (string, error), set func(string, unsafe.Pointer) error) {
	p.kind, p.java, p.named, p.constant = kindValue, p.class, true, name
	form := c.form(reflect.TypeFor[enumName](), p.class)
	p.definition = form.definition
	p.dec = func(d *Decoder, at unsafe.Pointer) error {
		begin := d.pos
		constant, err := d.enumName(form, p, at)
		if err != nil || constant == "" {
			return err
		}
		if err := set(constant, at); err != nil {
			return d.fail(KindType, begin, "%q is no constant of %s: %w", constant, p.class, err)
		}
		return nil
	}
	p.enc = func(e *Encoder, at unsafe.Pointer) error {
		constant, err := name(at)
		if err != nil {
			return encodeError(KindType, "%s: %w", p.class, err)
		}
		if constant == "" {
			e.Null()
			return nil
		}
		e.object(form)
		e.String(constant)
		return nil
	}
}

// enumName reads an enum's object, or its name as generic callers send it. "" is null, or a reference that was followed.
func (d *Decoder) enumName(form, p *Plan, at unsafe.Pointer) (string, error) {
	if err := d.definitions(form); err != nil {
		return "", err
	}
	if d.pos < len(d.b) {
		switch tag := d.b[d.pos]; {
		case tag == tagRef:
			return "", d.refTo(p, at)
		case tag == tagNull || isString(tag):
			return d.str()
		}
	}
	var e enumName
	err := d.structure(form, unsafe.Pointer(&e))
	return e.Name, err
}

// form gives the plan of a struct that only says how the fields of a class travel. It is no one's type: each class has its own.
func (c *compiler) form(rt reflect.Type, class string) *Plan {
	c.t.ids++
	p := &Plan{id: c.t.ids, rt: rt, boxed: boxedAs(rt), size: rt.Size(), op: opCall, kind: kindStruct, class: class, java: class}
	c.fields(p, rt, 0, class, nil)
	p.definition = definition(class, p.fields)
	p.dec = func(d *Decoder, at unsafe.Pointer) error { return d.structure(p, at) }
	p.enc = func(e *Encoder, at unsafe.Pointer) error { return e.structure(p, at) }
	return p
}

// numberedEnum compiles an enum whose constants are numbers in Go: with the methods String and EnumValue that
// dubbo-go-hessian2 asks for, or with MarshalText and UnmarshalText.
func (c *compiler) numberedEnum(p *Plan, path string) {
	rt := p.rt
	byName, hasValue := reflect.New(rt).Type().MethodByName("EnumValue")
	takesName := hasValue && byName.Type.NumIn() == 2 && byName.Type.In(1).Kind() == reflect.String && byName.Type.NumOut() == 1 &&
		byName.Type.Out(0).Kind() >= reflect.Int && byName.Type.Out(0).Kind() <= reflect.Uint64
	var known names
	switch {
	case rt.Implements(reflect.TypeFor[encoding.TextMarshaler]()) && reflect.PointerTo(rt).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		c.enum(p, func(at unsafe.Pointer) (string, error) {
			text, err := as[encoding.TextMarshaler](rt, at).MarshalText()
			return string(text), err
		}, func(name string, at unsafe.Pointer) error {
			return as[encoding.TextUnmarshaler](rt, at).UnmarshalText([]byte(name))
		})
	case takesName && rt.Implements(reflect.TypeFor[fmt.Stringer]()):
		c.enum(p, func(at unsafe.Pointer) (string, error) {
			return as[fmt.Stringer](rt, at).String(), nil
		}, func(name string, at unsafe.Pointer) error {
			v := reflect.NewAt(rt, at).Elem()
			n, ok := known.get(name)
			if !ok {
				n = number(v.Addr().MethodByName("EnumValue").Call([]reflect.Value{reflect.ValueOf(name)})[0])
			}
			if v.CanInt() {
				v.SetInt(n)
			} else {
				v.SetUint(uint64(n))
			}
			if got := as[fmt.Stringer](rt, at).String(); got != name {
				return fmt.Errorf("%v(%d) is %q", rt, n, got)
			}
			if !ok {
				known.put(name, n)
			}
			return nil
		})
	default:
		c.fault(path, "%v: an enum (%s) needs String and EnumValue(string), or MarshalText and UnmarshalText", rt, p.class)
	}
}

// as gives the variable at ptr as an interface that its type, or a pointer to it, implements.
func as[T any](rt reflect.Type, ptr unsafe.Pointer) T {
	v, _ := reflect.TypeAssert[T](reflect.NewAt(rt, ptr)) // checked when rt was compiled
	return v
}

func number(v reflect.Value) int64 {
	if v.CanInt() {
		return v.Int()
	}
	return int64(v.Uint())
}

// names remembers the numbers of an enum's constants.
type names struct {
	known atomic.Pointer[map[string]*int64]
}

// maxConstants bounds how many names are remembered: they come from the wire.
const maxConstants = 256

func (n *names) get(name string) (int64, bool) {
	if m := n.known.Load(); m != nil {
		if v := (*m)[name]; v != nil {
			return *v, true
		}
	}
	return 0, false
}

func (n *names) put(name string, v int64) { remember(&n.known, maxConstants, []byte(name), &v) }

// charPlan compiles a char: a string of one UTF-16 unit. The empty string and null are 0, as in Java.
func charPlan(p *Plan) {
	p.kind, p.java = kindScalar, "char"
	p.dec = func(d *Decoder, at unsafe.Pointer) error {
		begin := d.pos
		if d.pos < len(d.b) && !isString(d.b[d.pos]) {
			v, err := d.integer("a char")
			if err == nil && v != int64(uint16(v)) {
				return d.fail(KindType, begin, "%d is out of range for char (0 to 65535)", v)
			}
			*(*uint16)(at) = uint16(v)
			return err
		}
		s, err := d.str()
		if err != nil {
			return err
		}
		u := utf16Units(s)
		if len(u) > 1 {
			return d.fail(KindType, begin, "a string of %d UTF-16 units where a char is wanted", len(u))
		}
		if len(u) == 1 {
			*(*java.Char)(at) = u[0]
		}
		return nil
	}
	p.enc = func(e *Encoder, at unsafe.Pointer) error {
		e.chars([]java.Char{*(*java.Char)(at)})
		return nil
	}
}

// charsPlan compiles char[], which is written as a string.
func charsPlan(p *Plan) {
	p.kind, p.java = kindBytes, "char[]"
	p.dec = func(d *Decoder, at unsafe.Pointer) error {
		if d.pos < len(d.b) && d.b[d.pos] == tagNull {
			d.pos++
			return nil
		}
		s, err := d.str()
		if err != nil {
			return err
		}
		if err := d.charge(2 * len(s)); err != nil {
			return err
		}
		*(*[]java.Char)(at) = utf16Units(s)
		return nil
	}
	p.enc = func(e *Encoder, at unsafe.Pointer) error {
		if u := *(*[]java.Char)(at); u != nil {
			e.chars(u)
		} else {
			e.Null()
		}
		return nil
	}
}
