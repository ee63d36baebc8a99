package fn

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/internal/javatype"
)

// Manifest says what an application offers. The same services give the same manifest on any machine at any time: nothing of an
// address, a host or a clock is in it. It holds what Java interfaces can be generated from.
type Manifest struct {
	App      string        `json:"app"`
	Services []ServiceInfo `json:"services"` // by key
	Types    []TypeInfo    `json:"types"`    // by class
}

// ServiceInfo is one service of a [Manifest].
type ServiceInfo struct {
	Interface string            `json:"interface"`
	Version   string            `json:"version,omitempty"`
	Group     string            `json:"group,omitempty"`
	Params    map[string]string `json:"parameters"` // what a registry hands to consumers
	Methods   []MethodInfo      `json:"methods"`    // by name and descriptor
}

// MethodInfo is one method. Types are Java's, with their type arguments: "java.util.List<org.example.Person>".
type MethodInfo struct {
	Name       string   `json:"name"`
	Parameters []string `json:"parameters"`
	Descriptor string   `json:"descriptor"` // the parameters as the JVM writes them
	Result     string   `json:"result"`     // "void" for none
	Throws     []string `json:"throws,omitempty"`
	Timeout    int64    `json:"timeout"` // ms
	Retries    int      `json:"retries"`
	Idempotent bool     `json:"idempotent,omitempty"`
}

// TypeInfo is one Java class of the application's own.
type TypeInfo struct {
	Class      string      `json:"class"`
	Kind       string      `json:"kind"` // "class", "enum", "exception" or "interface"
	Super      string      `json:"super,omitempty"`
	Interfaces []string    `json:"interfaces,omitempty"` // those of the application's own that it implements
	Fields     []FieldInfo `json:"fields,omitempty"`     // its own, in the order of the Go struct
	Constants  []string    `json:"constants,omitempty"`  // of an enum, as far as they are known
}

// FieldInfo is one field of a class.
type FieldInfo struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Describe gives the manifest. It is the caller's own.
func (s *Set) Describe() Manifest {
	m := Manifest{App: s.app, Types: []TypeInfo{}}
	for _, o := range s.sorted() {
		info := ServiceInfo{Interface: o.key.Interface, Version: o.key.Version, Group: o.key.Group, Params: o.params()}
		for _, b := range o.methods {
			info.Methods = append(info.Methods, b.describe())
		}
		slices.SortFunc(info.Methods, func(a, b MethodInfo) int {
			return strings.Compare(a.Name+"("+a.Descriptor, b.Name+"("+b.Descriptor)
		})
		m.Services = append(m.Services, info)
	}
	for _, class := range slices.Sorted(maps.Keys(s.model.classes)) {
		t := *s.model.classes[class]
		t.Fields, t.Constants, t.Interfaces = slices.Clone(t.Fields), slices.Clone(t.Constants), slices.Clone(t.Interfaces)
		m.Types = append(m.Types, t)
	}
	return m
}

func (b *bound) describe() MethodInfo {
	info := MethodInfo{
		Name:       b.name,
		Parameters: append([]string{}, b.forms...),
		Descriptor: descriptorsOf(b.forms),
		Result:     b.result,
		Timeout:    milliseconds(b.timeout),
		Retries:    retries(b.idempotent),
		Idempotent: b.idempotent,
	}
	for _, t := range b.throws {
		info.Throws = append(info.Throws, t.class)
	}
	return info
}

// JSON gives the manifest's one text form, indented.
func (m Manifest) JSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // type arguments are written with < and >
	e.SetIndent("", "  ")
	err := e.Encode(m)
	return b.Bytes(), err
}

// Digest is a hash of the manifest, in hexadecimal digits.
func (s *Set) Digest() string { return s.Describe().Digest() }

// Digest is a hash of the manifest, in hexadecimal digits: the same for one that was read from its text form.
func (m Manifest) Digest() string {
	text, err := m.JSON()
	if err != nil {
		panic("describe: " + err.Error()) // strings and numbers only: it can't be
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func (s *Set) sorted() []*offered {
	return slices.SortedFunc(slices.Values(s.offered), func(a, b *offered) int { return strings.Compare(a.key.String(), b.key.String()) })
}

func descriptorsOf(forms []string) string {
	var b strings.Builder
	for _, f := range forms {
		b.WriteString(javatype.Descriptor(f))
	}
	return b.String()
}

func milliseconds(d time.Duration) int64 {
	return int64((d + time.Millisecond - 1) / time.Millisecond)
}

func retries(idempotent bool) int {
	if idempotent {
		return 2
	}
	return 0
}
