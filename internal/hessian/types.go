package hessian

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"sync"
	"sync/atomic"
	"time"
)

// Types knows which Java class stands for which Go type, and the plans to read and write them. Plans are compiled once and
// found without a lock. Safe for concurrent use.
type Types struct {
	mu      sync.Mutex // for writers
	plans   atomic.Pointer[map[reflect.Type]*Plan]
	classes atomic.Pointer[map[string]*Plan] // by the class of an object; nil for a class of several Go types
	whole   atomic.Bool                      // Java's own values are among the two: once a type or a class has asked for one
	names   map[reflect.Type]string
	ids     uint32
	objects atomic.Pointer[map[string]*objectClass]
	zones   zones

	any                         *Plan            // the plan of any
	list                        *Plan            // of []any
	table                       *Plan            // of map[any]any
	arrays                      map[string]*Plan // by Hessian's name of a primitive array
	object, typedList, typedMap *Plan            // of *java.Object, *java.List, *java.Map
}

// NewTypes gives a Types that knows Java's own classes.
func NewTypes() *Types {
	t := &Types{names: map[reflect.Type]string{}}
	t.plans.Store(&map[reflect.Type]*Plan{})
	t.classes.Store(&map[string]*Plan{})
	t.builtin()
	return t
}

// Name gives rt an explicit Java class. It is an error if rt has another one already, or if the class is another type's.
func (t *Types) Name(rt reflect.Type, class string) error {
	for rt.Kind() == reflect.Pointer {
		rt = rt.Elem()
	}
	if !isClassName(class) {
		return fmt.Errorf("%v: %q is no Java class name", rt, class)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if isOwn(rt) {
		t.complete()
	}
	if known := t.names[rt]; known != "" && known != class {
		return fmt.Errorf("%v: named %q, and %q before", rt, class, known)
	}
	if p := (*t.plans.Load())[rt]; p != nil && p.class != "" && p.class != class {
		return fmt.Errorf("%v: named %q, and it is in use as %q", rt, class, p.class)
	}
	for other, known := range t.names {
		if known == class && other != rt && !sameGeneric(other, rt) && !isShared(class) {
			return fmt.Errorf("%v: named %q, which is the class of %v", rt, class, other)
		}
	}
	t.names[rt] = class
	return nil
}

// isShared tells of the classes that several Go types may stand for.
func isShared(class string) bool { return class == classBigDecimal }

// isClassName tells whether s looks like a class name: identifiers with dots or, for inner classes, dollars between them.
func isClassName(s string) bool {
	if s == "" || s[0] == '.' || s[len(s)-1] == '.' {
		return false
	}
	for _, r := range s {
		if r <= ' ' || r == '[' || r == '/' || r == ';' {
			return false
		}
	}
	return true
}

// Register compiles rt and everything that it reaches. A struct without a class of its own (a method JavaClassName, or a
// name given by Name) gets pkg + "." + its Go name; two such defaults for one Go type are an error that names both. All
// faults are reported together, each with the path to it.
func (t *Types) Register(rt reflect.Type, pkg string) (*Plan, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := compiler{t: t, pkg: pkg, made: map[reflect.Type]*Plan{}, seen: map[*Plan]bool{}}
	p := c.plan(rt, typeText(rt))
	c.settle()
	if len(c.faults) > 0 {
		return nil, errors.Join(c.faults...)
	}
	t.adopt(&c)
	return p, nil
}

// Plan gives the plan of rt, compiled if need be, as Register with no package does: structs need classes of their own.
func (t *Types) Plan(rt reflect.Type) (*Plan, error) {
	if p := (*t.plans.Load())[rt]; p != nil {
		return p, nil
	}
	return t.Register(rt, "")
}

// adopt makes what c compiled known.
func (t *Types) adopt(c *compiler) {
	plans := make(map[reflect.Type]*Plan, len(*t.plans.Load())+len(c.made))
	maps.Copy(plans, *t.plans.Load())
	maps.Copy(plans, c.made)
	t.plans.Store(&plans)
	t.classes.Store(&c.classes)
}

// class gives the plan of a class of objects, nil where none is known.
func (t *Types) class(name string) *Plan {
	p, ok := (*t.classes.Load())[name]
	if ok || t.whole.Load() {
		return p
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.complete()
	return (*t.classes.Load())[name]
}

// Signature is what a method takes and gives.
type Signature struct {
	Params  []*Plan
	Result  *Plan         // nil for void
	Timeout time.Duration // as published to consumers
}
