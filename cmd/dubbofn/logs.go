package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/deploy/cluster"
	"github.com/dubbofn/dubbofn/internal/terminal"
)

func logsCommand() *cobra.Command {
	var a cluster.Access
	var l cluster.LogOptions
	c := &cobra.Command{
		Use:   "logs NAME",
		Short: "Show what a function on the cluster logs",
		Long: `Show what the pods of a function log, each line with its pod's name. With -f it goes on with what comes, also of pods that come: through
sleep and wake, and through roll-outs, until it is interrupted. The log of a pod goes with it: a function that is asleep has none.

Needed rights: get and list on pods, get on pods/log, get on services.serving.knative.dev. -o json prints an object for each line.`,
		Example: `  dubbofn logs greet -f
  dubbofn logs greet --since 10m --tail 100
  dubbofn logs greet --previous       # of a process that crashed`,
		Args: func(_ *cobra.Command, names []string) error {
			if len(names) != 1 {
				return usagef("logs needs one NAME: 'dubbofn list' shows them; got %d", len(names))
			}
			return nil
		},
	}
	accessFlags(c, &a)
	fs := c.Flags()
	fs.BoolVarP(&l.Follow, "follow", "f", false, "go on with what comes")
	fs.DurationVar(&l.Since, "since", 0, "not older than that (default: all)")
	fs.IntVar(&l.Tail, "tail", 0, "at most so many lines of each pod (default: all)")
	fs.BoolVar(&l.Previous, "previous", false, "of the process before, where one ended and was started again")
	o := outputFlag(c)
	c.RunE = func(c *cobra.Command, names []string) error {
		if err := o.check(); err != nil {
			return err
		}
		if l.Follow && l.Previous {
			return usagef("--previous is of a process that has ended: there is nothing to follow")
		}
		at, err := reach(c, a)
		if err != nil {
			return err
		}
		out, status := terminal.New(c.OutOrStdout()), terminal.New(c.ErrOrStderr())
		l.Line = func(pod, line string) {
			if o.json() {
				_ = printJSON(out, map[string]string{"pod": pod, "line": line}) // nobody reads any more: an interrupt follows
				return
			}
			fmt.Fprintf(out, "%s %s\n", out.Paint(terminal.Faint, pod), line)
		}
		l.Tell = func(what string) { fmt.Fprintln(status, status.Paint(terminal.Faint, what)) }
		return at.Logs(c.Context(), names[0], l)
	}
	return c
}
