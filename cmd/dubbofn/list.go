package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/deploy/cluster"
	"github.com/dubbofn/dubbofn/internal/terminal"
)

func listCommand() *cobra.Command {
	var a cluster.Access
	var everywhere bool
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "list",
		Short: "Show the functions on the cluster",
		Long: `Show the functions on the cluster: whether Knative serves each, which of its revisions, what it offers as which Dubbo application, and what
the activator says of it: asleep, waking, awake, or refused.`,
		Example: `  dubbofn list
  dubbofn list -A -o json | jq -r '.[] | select(.ready != "True") | .name'`,
		Args: cobra.NoArgs,
	}
	accessFlags(c, &a)
	c.Flags().BoolVarP(&everywhere, "all-namespaces", "A", false, "those of all namespaces")
	c.Flags().DurationVar(&timeout, "timeout", 30*time.Second, "how long it may take")
	o := outputFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := o.check(); err != nil {
			return err
		}
		at, err := reach(c, a)
		if err != nil {
			return err
		}
		ctx, cancel := within(c.Context(), timeout)
		defer cancel()
		all, note, err := at.List(ctx, everywhere)
		if err != nil {
			return err
		}
		return o.show(c, all, func(t *terminal.Terminal) error {
			if note != "" {
				e := terminal.New(c.ErrOrStderr())
				fmt.Fprintln(e, e.Paint(terminal.Warn, "! ")+note)
			}
			return showFunctions(t, all, everywhere, at.Namespace())
		})
	}
	return c
}

func showFunctions(t *terminal.Terminal, all []cluster.Function, everywhere bool, namespace string) error {
	if len(all) == 0 {
		where := "in namespace " + namespace
		if everywhere {
			where = "on the cluster"
		}
		_, err := fmt.Fprintf(t, "there is no function %s: 'dubbofn deploy' puts one there\n", where)
		return err
	}
	header := []string{"NAME", "READY", "STATE", "APP", "SERVICES", "REVISION", "URL"}
	if everywhere {
		header = append([]string{"NAMESPACE"}, header...)
	}
	var rows [][]string
	for _, f := range all {
		ready := t.Paint(terminal.Good, "yes")
		switch f.Ready {
		case "True":
		case "False":
			ready = t.Paint(terminal.Bad, "no")
		default:
			ready = t.Paint(terminal.Warn, "not yet")
		}
		row := []string{f.Name, ready, state(t, f), cmp.Or(f.App, "-"), cmp.Or(strings.Join(f.Services, ","), "-"), cmp.Or(f.Revision, "-"), cmp.Or(f.URL, "-")}
		if everywhere {
			row = append([]string{f.Namespace}, row...)
		}
		rows = append(rows, row)
	}
	fmt.Fprint(t, t.Table(header, rows))
	for _, f := range all {
		if why := cmp.Or(f.Fault, f.Why); why != "" {
			fmt.Fprintf(t, "%s %s: %s\n", t.Paint(terminal.Warn, "!"), f.Name, why)
		}
	}
	return nil
}

// state is what the activator says of a function.
func state(t *terminal.Terminal, f cluster.Function) string {
	switch f.State {
	case "awake":
		return t.Paint(terminal.Good, f.State)
	case "waking":
		return t.Paint(terminal.Warn, f.State)
	case "refused":
		return t.Paint(terminal.Bad, f.State)
	case "":
		return "-"
	}
	return t.Paint(terminal.Faint, f.State)
}
