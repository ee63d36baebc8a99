package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/internal/terminal"
	"github.com/dubbofn/dubbofn/internal/top"
)

func topCommand() *cobra.Command {
	var admin string
	var interval, timeout time.Duration
	var once bool
	c := &cobra.Command{
		Use:   "top",
		Short: "Show what functions are doing, live",
		Long: `Show every function that an activator serves, and how it is, again and again: on a terminal as a table that renews itself, elsewhere once.

  STATE     asleep, waking, awake or refused
  PROCS     processes that are there
  CALLS/S   calls that ended, a second; ERRORS of them without a result
  P99       99 of 100 calls took no longer, from arrival to answer
  PARKED    calls that wait for the function to wake
  WAKES     cold starts in the last five minutes

Keys: ↑ ↓ choose a function, and what it is about shows below; s or ← → sort by another column, r turns the order round; q ends.`,
		Example: `  dubbofn top
  dubbofn top --once
  dubbofn top --admin activator.example.org:9090 -o json | jq '.[] | select(.parked > 0)'`,
		Args: cobra.NoArgs,
	}
	o := outputFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := o.check(); err != nil {
			return err
		}
		if interval < 100*time.Millisecond {
			return usagef("--interval %v: want 100ms or more", interval)
		}
		ask := func(ctx context.Context) ([]top.Row, error) {
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			return top.Ask(func(path string, into any) error { return askActivator(ctx, admin, path, into) })
		}
		if out := c.OutOrStdout(); !once && !o.json() && terminal.New(out).Interactive() {
			return top.Run(c.Context(), out, c.InOrStdin(), interval, admin, ask)
		}
		rows, err := ask(c.Context())
		if err != nil {
			return err
		}
		return o.show(c, rows, func(t *terminal.Terminal) error {
			if len(rows) == 0 {
				_, err := fmt.Fprintln(t, "no function is served there: 'dubbofn run' and 'dubbofn deploy' bring some")
				return err
			}
			_, err := fmt.Fprint(t, top.Table(t, rows, ""))
			return err
		})
	}
	fs := c.Flags()
	fs.StringVar(&admin, "admin", cmp.Or(adminAddress(), "127.0.0.1:9090"), "the activator's port for operators (environment: DUBBOFN_ADMIN)")
	fs.DurationVar(&interval, "interval", time.Second, "how long between two looks")
	fs.DurationVar(&timeout, "timeout", 5*time.Second, "how long to wait for the activator")
	fs.BoolVar(&once, "once", false, "print the table once and end")
	return c
}
