package fn

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

// shared is what the overloads of one name have in common, as far as consumers can see.
type shared struct {
	timeout    time.Duration
	idempotent bool
}

func (o *offered) byName() map[string]shared {
	names := map[string]shared{}
	for _, m := range o.methods {
		s, ok := names[m.name]
		if !ok {
			s.idempotent = true
		}
		names[m.name] = shared{max(s.timeout, m.timeout), s.idempotent && m.idempotent}
	}
	return names
}

// params are the parameters that a Java provider publishes and that mean something to its consumers (ServiceConfig, 3.3).
//
// Beside timeout and retries (Java's consumers take them where they set none of their own) there is one entry for each method
// that differs: "greet.timeout". Of overloads, which Dubbo can't tell apart here, the longest timeout and the fewest retries
// are published.
func (o *offered) params() map[string]string {
	common := o.common.over(&settings{})
	p := map[string]string{
		"side":                 "provider",
		"dubbo":                "2.0.2", // the protocol's version (Java: Version.DEFAULT_DUBBO_PROTOCOL_VERSION)
		"interface":            o.key.Interface,
		"serialization":        "hessian2",
		"prefer.serialization": "hessian2",
		"timeout":              strconv.FormatInt(milliseconds(common.timeout), 10),
		"retries":              strconv.Itoa(retries(common.idempotent)),
	}
	for name, value := range map[string]string{"group": o.key.Group, "version": o.key.Version, "token": o.token} {
		if value != "" {
			p[name] = value
		}
	}
	for name, m := range o.byName() {
		if m.timeout != common.timeout {
			p[name+".timeout"] = strconv.FormatInt(milliseconds(m.timeout), 10)
		}
		if m.idempotent != common.idempotent {
			p[name+".retries"] = strconv.Itoa(retries(m.idempotent))
		}
	}
	return p
}

// Java's model of a service for consoles (Java: metadata.definition.model.FullServiceDefinition, 3.3).
type definition struct {
	Annotations   []string           `json:"annotations"`
	CanonicalName string             `json:"canonicalName"`
	CodeSource    string             `json:"codeSource"`
	Methods       []definitionMethod `json:"methods"`
	Parameters    map[string]string  `json:"parameters"`
	Types         []definitionType   `json:"types"`
	UniqueID      string             `json:"uniqueId"`
}

type definitionMethod struct {
	Annotations    []string `json:"annotations"`
	Name           string   `json:"name"`
	ParameterTypes []string `json:"parameterTypes"`
	Parameters     []string `json:"parameters"`
	ReturnType     string   `json:"returnType"`
}

type definitionType struct {
	Enums      []string          `json:"enums"`
	Items      []string          `json:"items"`
	Properties map[string]string `json:"properties"`
	Type       string            `json:"type"`
}

// Definitions gives each service's signatures in Dubbo's form (FullServiceDefinition), which consoles and generic clients
// read. The key is "[group/]interface[:version]:dubbo", as in Dubbo's metadata.
func (s *Set) Definitions() map[string]json.RawMessage { return s.Describe().Definitions() }

// Definitions is [Set.Definitions] of what the manifest describes.
func (m Manifest) Definitions() map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	known := definer{classes: map[string]*TypeInfo{}}
	for i := range m.Types {
		known.classes[m.Types[i].Class] = &m.Types[i]
	}
	for _, svc := range m.Services {
		d := definition{Annotations: []string{}, CanonicalName: svc.Interface, Parameters: map[string]string{}, UniqueID: svc.Interface + "@"}
		maps.Copy(d.Parameters, svc.Params)
		d.Parameters["application"] = m.App
		known.types = map[string]definitionType{}
		for _, m := range svc.Methods {
			d.Methods = append(d.Methods, definitionMethod{Annotations: []string{}, Name: m.Name, ParameterTypes: m.Parameters, Parameters: []string{}, ReturnType: m.Result})
			for _, t := range append([]string{m.Result}, m.Parameters...) {
				known.define(t)
			}
		}
		for _, t := range slices.Sorted(maps.Keys(known.types)) {
			d.Types = append(d.Types, known.types[t])
		}
		text, err := json.Marshal(d)
		if err != nil {
			panic("service definition: " + err.Error()) // strings only: it can't be
		}
		all[invoker.ServiceKey{Interface: svc.Interface, Version: svc.Version, Group: svc.Group}.String()+":dubbo"] = text
	}
	return all
}

// definer collects the types of one service.
type definer struct {
	classes map[string]*TypeInfo
	types   map[string]definitionType
}

// define adds a type and those that it is made of.
func (k definer) define(java string) {
	if _, ok := k.types[java]; ok || java == "void" {
		return
	}
	d := definitionType{Enums: []string{}, Items: typeArguments(java), Properties: map[string]string{}, Type: java}
	k.types[java] = d
	for _, item := range d.Items {
		k.define(item)
	}
	seen := map[string]bool{} // a manifest that was read may say that a class is its own ancestor
	for class := k.classes[java]; class != nil && !seen[class.Class]; class = k.classes[class.Super] {
		seen[class.Class] = true
		d.Enums = append(d.Enums, class.Constants...)
		for _, f := range class.Fields {
			d.Properties[f.Name] = f.Type
			k.define(f.Type)
		}
	}
	k.types[java] = d
}

// typeArguments gives what a type is made of: the arguments of "java.util.Map<K,V>", the element of "T[]".
func typeArguments(java string) []string {
	if element, ok := strings.CutSuffix(java, "[]"); ok {
		return []string{element}
	}
	begin := strings.IndexByte(java, '<')
	if begin < 0 {
		return []string{}
	}
	var items []string
	depth, from := 0, begin+1
	for i := begin + 1; i < len(java)-1; i++ {
		switch java[i] {
		case '<':
			depth++
		case '>':
			depth--
		case ',':
			if depth == 0 {
				items, from = append(items, java[from:i]), i+1
			}
		}
	}
	return append(items, java[from:len(java)-1])
}
