package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/internal/javaimport"
	"github.com/dubbofn/dubbofn/internal/scaffold"
	"github.com/dubbofn/dubbofn/internal/terminal"
)

// importing is what the flags of import say.
type importing struct {
	javaimport.Config
	dir, module string
}

func importCommand() *cobra.Command {
	var i importing
	cmd := &cobra.Command{
		Use:   "import FILE.jar|FILE.class|FILE.java...",
		Short: "Make the Go side of a Java interface that exists",
		Long: `Make the Go side of a Java interface that exists: types for its classes, enums and exceptions, a service to fill in, and a typed client.

FILEs are jars, class files or Java sources; several may be given, as an API's jar and the one that has its superclasses, or a jar and its sources, from
which comments and the names of parameters are taken. Nothing is run, and Java is not needed.

The package has types.go, a file for each interface (the service and its client), and one with a struct whose methods say that they are not implemented yet: that
one is yours. After a change of the Java interface, import again: it is kept, and the compiler tells which methods have changed.

Without --module the package goes into an existing module, into DIR (default: the package's name). With it DIR (default: the last part of the path) becomes a
module of its own, with a main that can be run.`,
		Example: `  dubbofn import user-api-1.4.jar --interface org.example.UserService
  dubbofn import user-api-1.4.jar user-api-1.4-sources.jar --interface UserService --module example.org/team/users
  dubbofn import GreetService.java GreetRequest.java GreetReply.java -d internal/greet --plain-strings`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("import needs a FILE: a .jar, .class or .java")
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&i.Interfaces, "interface", nil, "the interface to import, with its package or without; again for more (default: the only one)")
	f.StringVarP(&i.dir, "dir", "d", "", "the folder to write into")
	f.StringVar(&i.Package, "package", "", "the name of the Go package (default: the last part of the interface's package)")
	f.StringVar(&i.module, "module", "", "make a module of this path")
	f.BoolVar(&i.PlainStrings, "plain-strings", false, "String is string, which reads null as \"\", not *string")
	f.StringSliceVar(&i.Skip, "skip", nil, "a method to leave out; again for more")
	f.StringSliceVar(&i.AsAny, "as-any", nil, "a class to take as any; again for more")
	o := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := errors.Join(o.check(), i.check()); err != nil {
			return err
		}
		return i.run(cmd, o, args)
	}
	return cmd
}

func (i *importing) check() error {
	if p := i.Package; p != "" && (!token.IsIdentifier(p) || p == "main" || strings.ToLower(p) != p) {
		return usagef("--package %q: want a name of small letters, and not main", p)
	}
	if m := i.module; m != "" && (strings.ContainsAny(m, " \t\"\\") || strings.Trim(m, "/") != m) {
		return usagef("--module %q: want a path like example.org/team/users", m)
	}
	return nil
}

// imported is what there is now.
type imported struct {
	Dir     string `json:"dir"` // of the package
	Program string `json:"program,omitempty"`
	*javaimport.Result
	Files []javaimport.Placed `json:"files"`
}

func (i *importing) run(cmd *cobra.Command, o *output, files []string) error {
	library, err := javaimport.Open(files...)
	if err != nil {
		return err
	}
	r, err := library.Import(i.Config)
	if err != nil {
		return err
	}
	done := imported{Result: r, Dir: cmp.Or(i.dir, r.Package)}
	if i.module != "" {
		done.Program = cmp.Or(i.dir, path.Base(i.module))
		done.Dir = filepath.Join(done.Program, r.Package)
		if _, err := os.Stat(filepath.Join(done.Program, "go.mod")); !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(err, usagef("import: %s is a module already: leave --module out, and say where the package goes: -d %s", done.Program, done.Dir))
		}
	}
	if done.Files, err = r.Place(done.Dir); err != nil {
		return err
	}
	if i.module != "" {
		if err := i.makeModule(cmd, &done); err != nil {
			return err
		}
	}
	return o.show(cmd, done, done.text)
}

// makeModule makes a program of the package, in a module of its own.
func (i *importing) makeModule(cmd *cobra.Command, done *imported) error {
	main := javaimport.Result{Files: []javaimport.File{done.Main(i.module + "/" + done.Package)}}
	placed, err := main.Place(done.Program)
	if err != nil {
		return err
	}
	done.Files = append(placed, done.Files...)
	c := scaffold.Config{Dir: done.Program, Module: i.module, Environment: environment(), Version: ownVersion().release()}
	if c.Version == "" {
		_, file, _, _ := runtime.Caller(0)
		if c.Source = scaffold.Source(file); c.Source == "" {
			return usagef("import: this dubbofn is no release and its sources are not here: make the module yourself (go mod init, go get github.com/dubbofn/dubbofn)")
		}
	}
	progress := terminal.New(cmd.ErrOrStderr()).Progress("making module "+i.module, -1, false)
	err = c.Complete(cmd.Context())
	progress.Done(err)
	return err
}

func (d *imported) text(t *terminal.Terminal) error {
	var rows [][]string
	for _, s := range d.Services {
		rows = append(rows, []string{s.Interface, fmt.Sprint(s.Methods), d.Package + "." + s.Name, s.Handler, s.Client})
	}
	fmt.Fprintln(t, t.Table([]string{"INTERFACE", "METHODS", "IN GO", "TO FILL IN", "CLIENT"}, rows))
	for _, f := range d.Files {
		fmt.Fprintf(t, "  %-8s %s\n", f.State, f.Path)
	}
	for _, n := range d.Notes {
		fmt.Fprintf(t, "\n%s %s\n", t.Paint(terminal.Warn, "note:"), n)
	}
	if d.Program != "" {
		_, err := fmt.Fprintf(t, "\nNext:\n  %s\n", t.Paint(terminal.Accent, "dubbofn run "+d.Program))
		return err
	}
	s := d.Services[0]
	_, err := fmt.Fprintf(t, "\nNext: fill in %s, and offer it:\n  %s\n", s.Handler, t.Paint(terminal.Accent, fmt.Sprintf("serve.Main(nacos.Registry, %[1]s.New%[2]s(&%[1]s.%[3]s{}))", d.Package, s.Name, s.Handler)))
	return err
}
