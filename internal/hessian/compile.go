package hessian

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/java"
)

// compiler makes the plans of one registration. They become known only if none has a fault.
type compiler struct {
	t       *Types
	pkg     string
	own     bool // what it makes is Types' own
	made    map[reflect.Type]*Plan
	seen    map[*Plan]bool // known before, and looked through for other default names
	faults  []error
	classes map[string]*Plan
}

func (c *compiler) fault(path, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !strings.HasPrefix(text, path+": ") {
		text = path + ": " + text
	}
	c.faults = append(c.faults, errors.New(text))
}

// typeText is a Go type in a path.
func typeText(rt reflect.Type) string {
	if rt == nil {
		return "nil"
	}
	for rt.Kind() == reflect.Pointer {
		rt = rt.Elem()
	}
	if name := rt.Name(); name != "" {
		return name
	}
	return rt.String()
}

// plan gives the plan of rt, which path leads to.
func (c *compiler) plan(rt reflect.Type, path string) *Plan {
	if rt == nil {
		c.fault(path, "no type")
		return nil
	}
	if !c.own && isOwn(rt) {
		c.t.complete()
	}
	if p := (*c.t.plans.Load())[rt]; p != nil {
		c.revisit(p, path)
		return p
	}
	if p := c.made[rt]; p != nil {
		return p
	}
	c.t.ids++
	p := &Plan{id: c.t.ids, rt: rt, boxed: boxedAs(rt), size: rt.Size(), op: opCall, layout: layoutOf(rt)}
	c.made[rt] = p
	c.compile(p, path)
	return p
}

// revisit looks through plans that an earlier registration made: a class that was made from another package's name then
// would be found out only at run time.
func (c *compiler) revisit(p *Plan, path string) {
	if c.seen[p] || p == nil {
		return
	}
	c.seen[p] = true
	if p.byDefault && c.pkg != "" {
		if class := defaultClass(c.pkg, p.rt); class != p.class {
			c.fault(path, "%v would be both %q and %q in Java; give it a JavaClassName method or an explicit class", p.rt, p.class, class)
		}
	}
	for _, next := range []*Plan{p.elem, p.key} {
		if next != nil {
			c.revisit(next, path)
		}
	}
	for i := range p.fields {
		c.revisit(p.fields[i].plan, path+"."+p.fields[i].name)
	}
}

// settle checks the classes of what was made against each other and against those known before.
func (c *compiler) settle() {
	for _, p := range c.made {
		if isOwnClass(p.class) {
			c.t.complete()
		}
	}
	c.classes = maps.Clone(*c.t.classes.Load())
	for _, p := range c.made {
		if p.class == "" || p.kind == kindPointer {
			continue
		}
		known, taken := c.classes[p.class]
		switch {
		case isShared(p.class):
			continue
		case !taken:
			c.classes[p.class] = p
		case known == nil || sameGeneric(known.rt, p.rt):
			c.classes[p.class] = nil // Java has one class where Go has several
		default:
			other := known.rt
			if other.Kind() == reflect.Pointer {
				other = other.Elem()
			}
			c.fault(typeText(p.rt), "class %q is that of %v already", p.class, other)
		}
	}
	for class, p := range c.classes {
		if p != nil && p.kind == kindStruct && c.made[p.rt] == p {
			c.classes[class] = c.pointerTo(p)
		}
	}
}

// pointerTo gives the plan of the pointer to a struct, in which form dynamic values have it.
func (c *compiler) pointerTo(p *Plan) *Plan { return c.plan(reflect.PointerTo(p.rt), typeText(p.rt)) }

// sameGeneric tells whether two types are instances of one generic type.
func sameGeneric(a, b reflect.Type) bool {
	if a.Kind() == reflect.Pointer {
		a = a.Elem()
	}
	name, args, generic := strings.Cut(a.Name(), "[")
	other, otherArgs, _ := strings.Cut(b.Name(), "[")
	return generic && args != otherArgs && name == other && a.PkgPath() == b.PkgPath()
}

// defaultClass is the class of a struct that has none of its own. Type arguments are no part of it: Java erases them.
func defaultClass(pkg string, rt reflect.Type) string {
	name, _, _ := strings.Cut(rt.Name(), "[")
	return pkg + "." + name
}

var (
	typeTime       = reflect.TypeFor[time.Time]()
	typeDuration   = reflect.TypeFor[time.Duration]()
	typeBigInt     = reflect.TypeFor[big.Int]()
	typeBigDecimal = reflect.TypeFor[java.BigDecimal]()
	typeChar       = reflect.TypeFor[java.Char]()
)

// compile fills in a plan.
func (c *compiler) compile(p *Plan, path string) {
	if c.special(p, path) {
		return
	}
	switch rt := p.rt; rt.Kind() {
	case reflect.Bool, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int, reflect.Int64, reflect.Float32, reflect.Float64:
		c.number(p)
	case reflect.String:
		stringPlan(p)
	case reflect.Pointer:
		c.pointer(p, path)
	case reflect.Slice:
		c.slice(p, path)
	case reflect.Map:
		c.mapOrSet(p, path)
	case reflect.Struct:
		c.structure(p, path)
	case reflect.Interface:
		if rt.NumMethod() > 0 {
			c.fault(path, "%v: an interface with methods can't be decoded into; use any or a struct", rt)
			return
		}
		anyPlan(p)
	case reflect.Uint8:
		c.fault(path, "%v: Java's byte is signed; use int8, or []byte for byte[]", rt)
	case reflect.Uint16:
		c.fault(path, "%v: Java has no unsigned short; use java.Char for char, or int32", rt)
	case reflect.Uint, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		c.fault(path, "%v: Java has no unsigned numbers; use int64 or *big.Int", rt)
	case reflect.Array:
		c.fault(path, "%v: use a slice", rt)
	default:
		c.fault(path, "%v: Java has nothing like it", rt)
	}
}
