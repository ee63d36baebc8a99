package hessian

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unsafe"
)

// javaClass is what a Go type implements to say which Java class it is; dubbo-go-hessian2 calls it POJO.
type javaClass interface{ JavaClassName() string }

// ownClass gives the class that a type states by a method of its own. A method that came with an embedded struct speaks
// for that struct: its class is the superclass.
func ownClass(rt reflect.Type) string {
	class := stated(rt)
	if class == "" || rt.Kind() != reflect.Struct {
		return class
	}
	for f := range rt.Fields() {
		if f.Anonymous {
			inner := f.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			if stated(inner) == class {
				return ""
			}
		}
	}
	return class
}

func stated(rt reflect.Type) string {
	if rt.Kind() == reflect.Interface {
		return ""
	}
	if named, ok := reflect.TypeAssert[javaClass](reflect.New(rt)); ok {
		return named.JavaClassName()
	}
	return ""
}

// class finds the Java class of a struct.
func (c *compiler) class(p *Plan, path string) {
	p.class = ownClass(p.rt)
	if p.class == "" {
		p.class = c.t.names[p.rt]
	}
	if p.class == "" && p.rt.Name() == "" {
		c.fault(path, "%v: a struct without a name has no Java class", p.rt)
		return
	}
	if p.class == "" && c.pkg == "" {
		c.fault(path, "%v: no Java class; give it a method JavaClassName() string, or an explicit class", p.rt)
		return
	}
	if p.class == "" {
		p.class, p.byDefault = defaultClass(c.pkg, p.rt), true
	}
	if !isClassName(p.class) {
		c.fault(path, "%v: %q is no Java class name", p.rt, p.class)
	}
}

// fields adds the fields of rt, which lies off bytes into p's memory. Embedded structs are superclasses: their fields
// count as the struct's own, unless it has one of that name. Where a pointer leads to them, via tells its plan and offset.
func (c *compiler) fields(p *Plan, rt reflect.Type, off uintptr, path string, via *through) {
	var supers []reflect.StructField
	for f := range rt.Fields() {
		tag, tagged := f.Tag.Lookup("hessian")
		tag, _, _ = strings.Cut(tag, ",")
		if tag == "-" {
			continue
		}
		if f.Anonymous && !tagged && isSuper(f.Type) {
			supers = append(supers, f)
			continue
		}
		if !f.IsExported() {
			continue
		}
		name := strings.TrimPrefix(tag, readOnly)
		if name == "" {
			name = lowerCamel(f.Name)
		}
		if via == nil && c.repeated(p, name, path, rt) {
			continue
		}
		plan := c.plan(f.Type, path+"."+f.Name)
		if plan == nil {
			continue
		}
		p.add(field{name: name, off: off + f.Offset, plan: plan, readOnly: name != tag && tag != ""}, via)
	}
	for _, f := range supers {
		if f.Type.Kind() == reflect.Pointer {
			next := &through{outer: via, off: off + f.Offset, rt: f.Type.Elem()}
			c.fields(p, f.Type.Elem(), 0, path, next)
			continue
		}
		c.fields(p, f.Type, off+f.Offset, path, via)
	}
}

// floatsFirst moves Java's float fields to the front, in place. hessian-lite 4.0.4 (Dubbo 3.3.6) reads a float field as if it
// had a double's 8 bytes (FieldDeserializer2FactoryUnsafe, mended upstream since), so it overwrites whichever field lies
// beside it, unless that one is read later.
func floatsFirst(fields []field) {
	slices.SortStableFunc(fields, func(a, b field) int {
		return cmp.Compare(boolInt(b.plan.rt.Kind() == reflect.Float32), boolInt(a.plan.rt.Kind() == reflect.Float32))
	})
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// repeated tells whether p has a field of that name already: a fault within one struct, hidden in a superclass.
func (c *compiler) repeated(p *Plan, name, path string, rt reflect.Type) bool {
	for i := range p.fields {
		if p.fields[i].name != name {
			continue
		}
		if rt == p.rt {
			c.fault(path, "two fields are %q in Java", name)
		}
		return true
	}
	return false
}

// isSuper tells whether an embedded field is a superclass, and no value of its own as a time.Time is.
func isSuper(rt reflect.Type) bool {
	if rt.Kind() == reflect.Pointer {
		rt = rt.Elem()
	}
	return rt.Kind() == reflect.Struct && !isValueType(rt)
}

// through is an embedded pointer on the way to a field.
type through struct {
	outer *through
	off   uintptr
	rt    reflect.Type
}

// reach gives the memory that base's embedded pointers lead to; made, if need be, or nil.
func (v *through) reach(base unsafe.Pointer, add bool) unsafe.Pointer {
	if v.outer != nil {
		if base = v.outer.reach(base, add); base == nil {
			return nil
		}
	}
	at := (*unsafe.Pointer)(unsafe.Add(base, v.off))
	if *at == nil && add {
		*at = reflect.New(v.rt).UnsafePointer()
	}
	return *at
}

// detour is how to find a field through embedded pointers.
type detour struct {
	way  *through
	off  uintptr
	plan *Plan
}

// find gives the field within the struct at base, made if need be; nil where it isn't there.
func (v *detour) find(base unsafe.Pointer, add bool) unsafe.Pointer {
	if base = v.way.reach(base, add); base == nil {
		return nil
	}
	return unsafe.Add(base, v.off)
}

// add adds a field, reached through embedded pointers where via says so.
func (p *Plan) add(f field, via *through) {
	for i := range p.fields {
		if p.fields[i].name == f.name {
			return // hidden by one of the same name further out
		}
	}
	if via != nil {
		inner, off := f.plan, f.off
		f.off, f.via = 0, &detour{via, off, inner}
		f.plan = &Plan{id: inner.id, rt: inner.rt, boxed: inner.boxed, size: inner.size, kind: inner.kind, op: opCall, java: inner.java,
			class: inner.class, elem: inner.elem, key: inner.key}
		f.plan.dec = func(d *Decoder, at unsafe.Pointer) error {
			if err := d.charge(int(via.rt.Size())); err != nil {
				return err
			}
			return inner.dec(d, unsafe.Add(via.reach(at, true), off))
		}
		f.plan.enc = func(e *Encoder, at unsafe.Pointer) error {
			if base := via.reach(at, false); base != nil {
				return inner.enc(e, unsafe.Add(base, off))
			}
			return inner.enc(e, inner.new())
		}
	}
	p.fields = append(p.fields, f)
}

// lowerCamel is a Go field's name as a Java bean's: "Name" → "name", "ID" → "id", "URLPath" → "urlPath".
func lowerCamel(name string) string {
	r := []rune(name)
	for i := range r {
		if !unicode.IsUpper(r[i]) || i > 0 && i+1 < len(r) && unicode.IsLower(r[i+1]) {
			break
		}
		r[i] = unicode.ToLower(r[i])
	}
	return string(r)
}

// definition is a class definition as it is written.
func definition(class string, fields []field) []byte {
	var names []string
	for i := range fields {
		if !fields[i].readOnly {
			names = append(names, fields[i].name)
		}
	}
	var e Encoder
	e.b = append(e.b, tagClass)
	e.String(class)
	e.Int(int32(len(names)))
	for _, name := range names {
		e.String(name)
	}
	return e.b
}

// readOnly begins the tag of a field of this package's own forms that some peer may send, and that isn't written.
const readOnly = "<"
