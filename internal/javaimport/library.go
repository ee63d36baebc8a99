package javaimport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/internal/classfile"
	"github.com/dubbofn/dubbofn/internal/javadecl"
	"github.com/dubbofn/dubbofn/internal/javasource"
)

// Library is the classes of some files, made by [Open]. Not for concurrent use.
type Library struct {
	classes map[string]*javadecl.Class // of class files
	sources map[string]*javadecl.Class
	files   []*javasource.File
	names   []string // of the files, for messages
	entries int      // class files and sources in them
}

// maxFileBytes bounds a .class or .java file; what is in a jar is bounded by package classfile.
const maxFileBytes = 4 << 20

// Open reads files: jars (or any zip, source jars too), class files and Java sources.
func Open(paths ...string) (*Library, error) {
	l := newLibrary()
	for _, path := range paths {
		if err := l.open(path); err != nil {
			return nil, fmt.Errorf("import %s: %w", path, err)
		}
		l.names = append(l.names, filepath.Base(path))
	}
	l.resolve()
	return l, nil
}

func newLibrary() *Library {
	return &Library{classes: map[string]*javadecl.Class{}, sources: map[string]*javadecl.Class{}}
}

// resolve finds out which classes the names in sources mean, once all of them are there.
func (l *Library) resolve() {
	for _, f := range l.files {
		f.Resolve(l.has)
	}
}

func (l *Library) has(class string) bool { return l.classes[class] != nil || l.sources[class] != nil }

func (l *Library) open(path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return errors.New("it is a directory: want a .jar, .class or .java file; `jar cf api.jar -C DIR .` makes one of the classes in a directory")
	}
	magic := make([]byte, 4)
	n, err := io.ReadFull(f, magic)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if bytes.HasPrefix(magic[:n], []byte("PK")) {
		return classfile.EachInJar(f, info.Size(), func(name string, data []byte) error { return l.add(path, name, data) })
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return err
	}
	if len(data) > maxFileBytes {
		return fmt.Errorf("more than %d bytes: want a .jar, .class or .java file", maxFileBytes)
	}
	return l.add(path, path, data)
}

// add takes a class file or a source. The first of two that declare one class counts.
func (l *Library) add(path, name string, data []byte) error {
	l.entries++
	switch {
	case strings.HasSuffix(name, ".java"):
		f, err := javasource.Parse(filepath.Base(name), data)
		if err != nil {
			return err
		}
		l.files = append(l.files, f)
		for _, c := range f.Classes {
			if l.sources[c.Name] == nil {
				l.sources[c.Name] = c
			}
		}
		return nil
	case strings.HasSuffix(name, ".class"), bytes.HasPrefix(data, []byte{0xca, 0xfe, 0xba, 0xbe}):
		c, err := classfile.Parse(data)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
		if c.Origin = filepath.Base(path); l.classes[c.Name] == nil {
			l.classes[c.Name] = c
		}
		return nil
	}
	return errors.New("it is neither a jar, a class file nor a Java source: want .jar, .class or .java")
}

// class gives a class by its name, nil where there is none. A class file counts, with the comments and the names of a source beside it.
func (l *Library) class(name string) *javadecl.Class {
	c, source := l.classes[name], l.sources[name]
	switch {
	case c == nil:
		return source
	case source == nil || c.Doc != "":
		return c
	}
	document(c, source)
	delete(l.sources, name)
	return c
}

// document gives a class of a class file what only its source has.
func document(c, source *javadecl.Class) {
	c.Doc = source.Doc
	for i := range c.Fields {
		for _, f := range source.Fields {
			if f.Name == c.Fields[i].Name {
				c.Fields[i].Doc = f.Doc
			}
		}
	}
	for i := range c.Constants {
		for _, k := range source.Constants {
			if k.Name == c.Constants[i].Name {
				c.Constants[i].Doc = k.Doc
			}
		}
	}
	for i := range c.Methods {
		m := &c.Methods[i]
		for _, s := range source.Methods {
			if s.Name != m.Name || !slices.EqualFunc(s.Parameters, m.Parameters, func(a, b javadecl.Parameter) bool { return a.Type.String() == b.Type.String() }) {
				continue
			}
			m.Doc = s.Doc
			for k := range m.Parameters {
				m.Parameters[k].Name = s.Parameters[k].Name
			}
		}
	}
}

// all gives the names of all classes.
func (l *Library) all() []string {
	names := map[string]bool{}
	for _, of := range []map[string]*javadecl.Class{l.classes, l.sources} {
		for name, c := range of {
			names[name] = !c.Hidden
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Interfaces gives the interfaces that may be services: those with methods that are neither generic nor only extended by others.
func (l *Library) Interfaces() []string {
	extended, found := map[string]bool{}, []string{}
	for _, name := range l.all() {
		if c := l.class(name); c.Kind == javadecl.KindInterface {
			for _, i := range c.Interfaces {
				extended[i.Name] = true
			}
		}
	}
	for _, name := range l.all() {
		c := l.class(name)
		if c.Kind == javadecl.KindInterface && !c.Hidden && len(c.Variables) == 0 && !extended[name] && (len(c.Methods) > 0 || len(c.Interfaces) > 0 && l.inherits(c, 0)) {
			found = append(found, name)
		}
	}
	return found
}

func (l *Library) inherits(c *javadecl.Class, depth int) bool {
	for _, i := range c.Interfaces {
		if s := l.class(i.Name); s != nil && depth < maxDepth && (len(s.Methods) > 0 || l.inherits(s, depth+1)) {
			return true
		}
	}
	return false
}

// maxDepth bounds chains of superclasses and interfaces, which in a made-up library may lead back to themselves.
const maxDepth = 64

// choose finds the interfaces that are asked for, by full or simple name; without any, the only one there is.
func (l *Library) choose(asked []string) (chosen []*javadecl.Class, err error) {
	found := l.Interfaces()
	from := strings.Join(l.names, ", ")
	if len(asked) == 0 {
		switch len(found) {
		case 1:
			return []*javadecl.Class{l.class(found[0])}, nil
		case 0:
			return nil, fmt.Errorf("import: no interface with methods in %s (%d classes): want the jar that has the service's interface, often called …-api", from, l.entries)
		}
		return nil, fmt.Errorf("import: %d interfaces in %s; say which with --interface:\n  %s", len(found), from, strings.Join(some(found, 50), "\n  "))
	}
	var faults []error
	for _, name := range asked {
		c, err := l.find(name, found)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		chosen = append(chosen, c)
	}
	return chosen, errors.Join(faults...)
}

func (l *Library) find(name string, found []string) (*javadecl.Class, error) {
	c := l.class(name)
	if c == nil {
		var fits []string
		for _, f := range l.all() {
			if x := l.class(f); x.Kind == javadecl.KindInterface && strings.HasSuffix(f, "."+name) {
				fits = append(fits, f)
			}
		}
		switch len(fits) {
		case 1:
			c = l.class(fits[0])
		case 0:
			return nil, fmt.Errorf("import: no interface %s in %s; there is %s", name, strings.Join(l.names, ", "), listed(found))
		default:
			return nil, fmt.Errorf("import: %s is each of %s: give one with its package", name, listed(fits))
		}
	}
	switch {
	case c.Kind != javadecl.KindInterface:
		return nil, fmt.Errorf("import: %s is of the kind %s: want an interface", c.Name, c.Kind)
	case len(c.Variables) > 0:
		return nil, fmt.Errorf("import: interface %s has type parameters: want one that extends it and gives them, as interface UserService extends %s<User>", c.Name, simpleName(c.Name))
	}
	return c, nil
}

// listed joins names for a message.
func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(some(names, 20), ", ")
}

// some gives the first names, and how many there are beside.
func some(names []string, most int) []string {
	if len(names) <= most {
		return names
	}
	return append(slices.Clone(names[:most]), fmt.Sprintf("and %d more", len(names)-most))
}

// simpleName is the last part of a class's name, of a nested one too.
func simpleName(class string) string { return class[strings.LastIndexAny(class, ".$")+1:] }
