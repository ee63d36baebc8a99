package fn

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/internal/javatype"
	"github.com/dubbofn/dubbofn/invoker"
)

// overload is one method of one interface and version, in all the groups that have it.
type overload struct {
	iface  string
	name   string
	params []reflect.Type
	result reflect.Type // nil: void
	forms  []string     // Java's types of the parameters, with their type arguments
	sig    hessian.Signature
	groups []grouped // few, so searched one by one
}

type grouped struct {
	group string
	invoker.Invoker
}

// Invoke passes the call on to the service of the caller's group.
func (o *overload) Invoke(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
	for i := range o.groups {
		if o.groups[i].group == inv.Service.Group {
			return o.groups[i].Invoke(ctx, inv)
		}
	}
	have := make([]string, len(o.groups))
	for i, g := range o.groups {
		have[i] = groupName(g.group)
	}
	return invoker.Result{}, invoker.Errorf(invoker.CodeNotFound, lookUp, "%s.%s in %s; it is in %s", o.iface, o.name, groupName(inv.Service.Group), listed(have))
}

func groupName(group string) string {
	if group == "" {
		return "no group"
	}
	return "group " + shown(group)
}

// fits says whether the overload suits the parameters that a caller declares, and how well: a parameter that suits exactly
// counts, and one that is declared as the manifest has it (int, not Integer) counts more.
func (o *overload) fits(declared []string) (score int, ok bool) {
	if len(declared) != len(o.sig.Params) {
		return 0, false
	}
	for i, p := range o.sig.Params {
		switch p.Fits(declared[i]) {
		case hessian.FitExact:
			score += 2
			if javatype.Descriptor(o.forms[i]) == declared[i] {
				score++
			}
		case hessian.FitNone:
			return 0, false
		}
	}
	return score, true
}

// String gives Java's form: "over(java.lang.String,int)".
func (o *overload) String() string {
	return o.name + "(" + strings.Join(o.forms, ",") + ")"
}

// overloads are the methods of one name.
type overloads struct {
	iface string
	name  string
	all   []*overload
	known atomic.Pointer[map[string]*overload] // by the exact descriptor; replaced, never changed
}

// What callers may make a name's table hold. More distinct descriptors than methods come only of Java types that fit loosely.
const (
	maxKnown           = 64
	maxKnownDescriptor = 1024
)

// find gives the overload for a descriptor. It allocates nothing for a descriptor that it has seen.
func (m *overloads) find(descriptor []byte) (*overload, *invoker.Error) {
	if o := (*m.known.Load())[string(descriptor)]; o != nil {
		return o, nil
	}
	declared, ok := javatype.Parameters(string(descriptor))
	if !ok {
		return nil, invoker.Errorf(invoker.CodeBadRequest, lookUp, "%s.%s: descriptor %s is not one of the JVM's", m.iface, m.name, shown(string(descriptor)))
	}
	o, err := m.choose(declared)
	if err == nil {
		m.remember(string(descriptor), o)
	}
	return o, err
}

// choose takes the overload that suits best.
func (m *overloads) choose(declared []string) (*overload, *invoker.Error) {
	var best []*overload
	most := -1
	for _, o := range m.all {
		score, ok := o.fits(declared)
		switch {
		case !ok || score < most:
		case score == most:
			best = append(best, o)
		default:
			best, most = []*overload{o}, score
		}
	}
	switch len(best) {
	case 1:
		return best[0], nil
	case 0:
		return nil, m.notFound(declared)
	}
	return nil, invoker.Errorf(invoker.CodeNotFound, lookUp, "%s in %s suits several methods: %s", m.asked(declared), m.iface, listed(forms(best)))
}

func (m *overloads) notFound(declared []string) *invoker.Error {
	return invoker.Errorf(invoker.CodeNotFound, lookUp, "no method %s in %s; it has %s", m.asked(declared), m.iface, listed(forms(m.all)))
}

func (m *overloads) asked(declared []string) string {
	names := make([]string, len(declared))
	for i, d := range declared {
		names[i] = javatype.Name(d)
	}
	return m.name + "(" + shorten(strings.Join(names, ",")) + ")"
}

func (m *overloads) remember(descriptor string, o *overload) {
	if len(descriptor) > maxKnownDescriptor {
		return
	}
	for {
		old := m.known.Load()
		if len(*old) >= maxKnown {
			return
		}
		next := maps.Clone(*old)
		next[descriptor] = o
		if m.known.CompareAndSwap(old, &next) {
			return
		}
	}
}

func forms(all []*overload) []string {
	names := make([]string, len(all))
	for i, o := range all {
		names[i] = o.String()
	}
	slices.Sort(names)
	return slices.Compact(names)
}

const (
	maxListed = 20  // names in one error
	maxShown  = 200 // bytes of a caller's own text in one error
)

// listed joins names for an error.
func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	more := ""
	if len(names) > maxListed {
		more = " and " + strconv.Itoa(len(names)-maxListed) + " more"
		names = names[:maxListed]
	}
	return strings.Join(names, ", ") + more
}

func shorten(s string) string {
	if len(s) > maxShown {
		return strings.ToValidUTF8(s[:maxShown], "") + "…"
	}
	return s
}

// shown quotes what a caller sent.
func shown(s string) string { return strconv.Quote(shorten(s)) }
