package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"strings"
)

// The sizes that keep a file and a function readable.
const (
	maxFileLines  = 500
	maxFuncLines  = 60
	maxExported   = 25
	maxReadmeSize = 150
)

// fault is a rule that a piece of source breaks. Rule and At together are the key of an exception.
type fault struct {
	Rule string // "file-length"
	At   string // "fn/service.go", or "fn/service.go:NewService" where a function is meant
	Text string
}

func (f fault) String() string { return f.At + ": " + f.Rule + ": " + f.Text }

// source is one parsed file.
type source struct {
	Path string // relative to the module's root
	Fset *token.FileSet
	File *ast.File
}

// test tells whether a file is part of a test; the suite that registries run is one in a package of its own.
func (s *source) test() bool {
	return strings.HasSuffix(s.Path, "_test.go") || strings.HasPrefix(s.Path, "registry/registrytest/")
}

func (s *source) program() bool { return s.File.Name.Name == "main" }

// lines gives how many lines a node takes.
func (s *source) lines(n ast.Node) int {
	return s.Fset.Position(n.End()).Line - s.Fset.Position(n.Pos()).Line + 1
}

// checkFile gives the faults of one file.
func checkFile(s *source) []fault {
	var faults []fault
	add := func(rule, fn, format string, args ...any) {
		at := s.Path
		if fn != "" {
			at += ":" + fn
		}
		faults = append(faults, fault{rule, at, fmt.Sprintf(format, args...)})
	}
	if n := s.Fset.File(s.File.Pos()).LineCount(); n > maxFileLines {
		add("file-length", "", "%d lines (limit %d)", n, maxFileLines)
	}
	for _, d := range s.File.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if f.Name.Name == "init" && f.Recv == nil {
			add("no-init", "init", "a constructor builds it, or main does")
		}
		if n := s.lines(f); n > maxFuncLines && !s.test() {
			add("func-length", f.Name.Name, "%d lines (limit %d)", n, maxFuncLines)
		}
		if !s.test() {
			for _, c := range calls(f) {
				if why := forbidden(s, c); why != "" {
					add("no-"+strings.ToLower(c), f.Name.Name, "%s", why)
				}
			}
		}
	}
	for _, i := range s.File.Imports {
		if i.Path.Value == `"unsafe"` && path.Dir(s.Path) != "internal/hessian" {
			add("no-unsafe", "", "only internal/hessian reads and writes fields by their offset")
		}
		if i.Name != nil && i.Name.Name == "_" && !s.test() && !s.program() {
			add("no-blank-import", path.Base(strings.Trim(i.Path.Value, `"`)), "an import must be a value that is used")
		}
	}
	return faults
}

// forbidden says why a call to "package.Function" does not belong into s; empty when it does.
func forbidden(s *source, call string) string {
	switch call {
	case "time.Sleep":
		return "wait on a channel, a timer in a select or a condition"
	case "context.Background", "context.TO" + "DO":
		if !s.program() {
			return "take the caller's context"
		}
	case "os.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln":
		if !s.program() {
			return "return an error: main decides"
		}
	case "os.Getenv", "os.LookupEnv", "os.Environ":
		return "the environment is read in one file a program"
	case "fmt.Print", "fmt.Println", "fmt.Printf", "log.Print", "log.Println", "log.Printf":
		if !s.program() {
			return "take a *slog.Logger or an io.Writer"
		}
	}
	return ""
}

// calls lists the "package.Function" calls of a function, as its source names them.
func calls(f *ast.FuncDecl) []string {
	var names []string
	ast.Inspect(f, func(n ast.Node) bool {
		c, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if sel, ok := c.Fun.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok {
				names = append(names, x.Name+"."+sel.Sel.Name)
			}
		}
		return true
	})
	return names
}
