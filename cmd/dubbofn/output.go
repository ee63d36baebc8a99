package main

import (
	"encoding/json"
	"io"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/internal/terminal"
)

// output is the flag -o of every command that shows something: text for people, JSON for machines.
type output struct{ form string }

// outputFlag adds the flag.
func outputFlag(c *cobra.Command) *output {
	o := new(output)
	c.Flags().StringVarP(&o.form, "output", "o", "text", "text or json")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return o
}

// check refuses forms that there are none of. It comes before anything is done.
func (o *output) check() error {
	if o.form != "text" && o.form != "json" {
		return usagef("--output %q: want text or json", o.form)
	}
	return nil
}

func (o *output) json() bool { return o.form == "json" }

// show prints v as JSON, or what text writes for people.
func (o *output) show(c *cobra.Command, v any, text func(*terminal.Terminal) error) error {
	if !o.json() {
		return text(terminal.New(c.OutOrStdout()))
	}
	return printJSON(c.OutOrStdout(), v)
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // it is for shells, and types have < and >
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
