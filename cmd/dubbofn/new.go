package main

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/internal/scaffold"
	"github.com/dubbofn/dubbofn/internal/terminal"
)

func newCommand() *cobra.Command {
	var c scaffold.Config
	var list bool
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Make the module of a new function",
		Long: `Make a folder NAME with the module of a function that builds, has a test, and can be run at once: there is nothing to edit before.

NAME may be a path; its last part is the function's name: small letters, digits and '-'. The Java interface is org.example.NameService, unless --interface gives
another one. --list shows the templates.

The module needs the version of dubbofn that this command has. One that was built from a clone puts a replace to the clone into go.mod.`,
		Example: `  dubbofn new hello && dubbofn run hello
  dubbofn new orders --template event --interface org.example.shop.OrderService --module example.org/shop/orders`,
		Args: func(_ *cobra.Command, args []string) error {
			if !list && len(args) != 1 {
				return usagef("new needs one NAME, e.g. dubbofn new hello; got %d", len(args))
			}
			return nil
		},
	}
	fs := cmd.Flags()
	fs.StringVarP(&c.Template, "template", "t", "greet", "what it is made of; --list shows which there are")
	fs.StringVar(&c.Module, "module", "", "the path of the Go module (default: NAME)")
	fs.StringVar(&c.Interface, "interface", "", "the Java interface that it offers (default: org.example.NameService)")
	fs.StringVar(&c.Source, "source", "", "a folder with dubbofn's sources, to use instead of a published version")
	fs.BoolVar(&list, "list", false, "show the templates, and make nothing")
	_ = cmd.RegisterFlagCompletionFunc("template", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) { // the flag is there
		all, _ := scaffold.Templates() // they are in this program
		var names []string
		for _, t := range all {
			names = append(names, t.Name+"\t"+t.About)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
	o := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		if list {
			return listTemplates(cmd, o)
		}
		return makeModule(cmd, o, c, args[0])
	}
	return cmd
}

func listTemplates(cmd *cobra.Command, o *output) error {
	all, err := scaffold.Templates()
	if err != nil {
		return err
	}
	return o.show(cmd, all, func(t *terminal.Terminal) error {
		var rows [][]string
		for _, x := range all {
			rows = append(rows, []string{x.Name, x.About})
		}
		_, err := fmt.Fprint(t, t.Table([]string{"TEMPLATE", "WHAT IT IS"}, rows))
		return err
	})
}

func makeModule(cmd *cobra.Command, o *output, c scaffold.Config, name string) error {
	c.Dir, c.Environment = name, environment()
	c.Version = ownVersion().release()
	if c.Source == "" && c.Version == "" {
		_, file, _, _ := runtime.Caller(0)
		c.Source = scaffold.Source(file)
		if c.Source == "" {
			c.Version = version // a release that was built elsewhere
		}
		if c.Source == "" && c.Version == "" {
			return usagef("new: this dubbofn is no release and its sources are not here: say where they are by --source DIR")
		}
	}
	progress := terminal.New(cmd.ErrOrStderr()).Progress("making "+name, -1, false)
	m, err := scaffold.New(cmd.Context(), c)
	progress.Done(err)
	if errors.As(err, new(scaffold.UsageError)) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	return o.show(cmd, m, func(t *terminal.Terminal) error {
		fmt.Fprintf(t, "%s: a function that offers %s\n\n", t.Paint(terminal.Strong, m.Dir), m.Interface)
		for _, f := range m.Files {
			if !strings.HasPrefix(f, ".") {
				fmt.Fprintf(t, "  %s\n", f)
			}
		}
		if m.Source != "" {
			fmt.Fprintf(t, "\nIts go.mod uses dubbofn's sources in %s.\n", m.Source)
		}
		_, err := fmt.Fprintf(t, "\nNext:\n  %s\n", t.Paint(terminal.Accent, "dubbofn run "+name))
		return err
	})
}
