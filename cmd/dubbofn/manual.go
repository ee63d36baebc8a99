package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// manualCommand writes docs/cli.md, so that the page can't say anything else than --help.
func manualCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "manual",
		Short:  "Write this command's reference, as Markdown",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(c *cobra.Command, _ []string) error { return writeManual(c.OutOrStdout(), c.Root()) },
	}
}

const manualHead = `# The command line

<!-- Written by "make docs" from the commands themselves; change the texts in cmd/dubbofn. -->

What ` + "`dubbofn --help`" + ` and each command's ` + "`--help`" + ` say, on one page. ` + "`dubbofn completion bash|zsh|fish|powershell`" + ` prints what completes
commands and flags in a shell, and its own help says where to put it.

`

func writeManual(out io.Writer, root *cobra.Command) error {
	w := bufio.NewWriter(out)
	fmt.Fprint(w, manualHead)
	all := below(root)
	fmt.Fprint(w, "| command | what it does |\n|---|---|\n")
	for _, c := range all {
		path := c.CommandPath()
		fmt.Fprintf(w, "| [`%s`](#%s) | %s |\n", path, strings.ReplaceAll(path, " ", "-"), c.Short)
	}
	fmt.Fprintf(w, "\n```\n%s\n```\n", root.Long)
	for _, c := range all {
		describeCommandIn(w, c)
	}
	return w.Flush()
}

// below gives the commands that do something, in the order of the help.
func below(c *cobra.Command) (all []*cobra.Command) {
	for _, b := range c.Commands() {
		if b.Hidden || b.Name() == "help" || b.Name() == "completion" {
			continue
		}
		if b.HasAvailableSubCommands() {
			all = append(all, below(b)...)
			continue
		}
		all = append(all, b)
	}
	return all
}

func describeCommandIn(w io.Writer, c *cobra.Command) {
	c.InitDefaultHelpFlag()
	fmt.Fprintf(w, "\n## %s\n\n", c.CommandPath())
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	fmt.Fprintf(w, "```\n%s\n\nUsage:\n  %s\n", strings.TrimSpace(text), c.UseLine())
	if c.HasExample() {
		fmt.Fprintf(w, "\nExamples:\n%s\n", strings.TrimRight(c.Example, " \n"))
	}
	if flags := strings.TrimRight(c.LocalFlags().FlagUsages(), "\n"); flags != "" {
		fmt.Fprintf(w, "\nFlags:\n%s\n", flags)
	}
	fmt.Fprint(w, "```\n")
}
