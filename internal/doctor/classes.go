package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/invoker"
)

// trustLevel is how many parts of a class's name Dubbo 3 trusts with it: all of org.example.shop with org.example.shop.Order (Java:
// ApplicationConfig.trustSerializeClassLevel and SerializeSecurityConfigurator.addToAllow, 3.3.6).
const trustLevel = 3

// classes looks for classes that the application may send and a Java consumer refuses to read.
func (x *examination) classes(ctx context.Context, p *patient) bool {
	f := Finding{Check: "classes", State: OK, Service: p.name}
	if x.cfg.Line == Line27 {
		f.Title = "Dubbo 2.7 reads every class but those of its list of refused ones"
		x.add(f)
		return true
	}
	var m *fn.Manifest
	for _, a := range p.apps {
		if m = x.manifestOf(ctx, a.name); m != nil {
			break
		}
	}
	if m == nil {
		x.skip(p.name, "it needs the function's manifest, which no activator tells: --manifest takes its folder, or what 'dubbofn describe' prints", "classes")
		return true
	}
	refused := untrusted(m, p.key, x.cfg.Classes)
	if len(refused) == 0 {
		f.Title = fmt.Sprintf("a Dubbo 3 consumer reads all %d classes that %s may send", len(m.Types), m.App)
		x.add(f)
		return true
	}
	file := x.cfg.ClassesFile
	if file == "" {
		file = "src/main/resources/security/serialize.allowlist"
	}
	quoted := make([]string, len(refused))
	for i, c := range refused {
		quoted[i] = quote(c)
	}
	f.State, f.Title = Bad, fmt.Sprintf("a Dubbo 3 consumer does not trust %s, which %s may send", strings.Join(refused, ", "), m.App)
	f.Why = "no signature of the interface names it, so its call ends in an error; the consumer's list of classes may name it (--classes tells this command which file that is), or the interface"
	f.Mend = "mkdir -p " + quote(folder(file)) + " && printf '%s\\n' " + strings.Join(quoted, " ") + " >> " + quote(file)
	x.add(f)
	return true
}

func folder(file string) string {
	if i := strings.LastIndexByte(file, '/'); i > 0 {
		return file[:i]
	}
	return "."
}

// untrusted gives the classes of a manifest that no list has which a consumer of one service makes for itself from its signatures, nor more. Classes
// that another service's signatures name are that one's business.
func untrusted(m *fn.Manifest, key invoker.ServiceKey, more []string) []string {
	types := map[string]fn.TypeInfo{}
	for _, t := range m.Types {
		types[t.Class] = t
	}
	elsewhere, trusted := map[string]bool{}, slices.Clone(more)
	for _, s := range m.Services {
		named := map[string]bool{}
		for _, method := range s.Methods {
			for _, t := range slices.Concat(method.Parameters, []string{method.Result}, method.Throws) {
				reachable(types, t, named)
			}
		}
		if s.Interface != key.Interface {
			maps.Copy(elsewhere, named)
			continue
		}
		named[s.Interface] = true
		for c := range named {
			trusted = append(trusted, prefix(c))
		}
	}
	var refused []string
	for _, t := range m.Types {
		if t.Kind != "interface" && !elsewhere[t.Class] && !slices.ContainsFunc(trusted, func(p string) bool { return p != "" && strings.HasPrefix(t.Class, p) }) {
			refused = append(refused, t.Class)
		}
	}
	return refused
}

// prefix is what Dubbo 3 adds to its list for a class that it trusts.
func prefix(class string) string {
	parts := strings.Split(class, ".")
	if len(parts) <= trustLevel {
		return class
	}
	return strings.Join(parts[:trustLevel], ".") + "."
}

// reachable adds the classes of a type, and all that their fields and ancestors name.
func reachable(types map[string]fn.TypeInfo, java string, found map[string]bool) {
	for _, class := range strings.FieldsFunc(java, func(r rune) bool { return strings.ContainsRune("<>,[] ?&", r) }) {
		t, ok := types[class]
		if !ok || found[class] {
			continue
		}
		found[class] = true
		reachable(types, t.Super, found)
		for _, f := range t.Fields {
			reachable(types, f.Type, found)
		}
	}
}
