package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/deploy/cluster"
	"github.com/dubbofn/dubbofn/internal/terminal"
)

func undeployCommand() *cobra.Command {
	var a cluster.Access
	var wait time.Duration
	c := &cobra.Command{
		Use:   "undeploy NAME…",
		Short: "Take functions off the cluster",
		Long: `Take functions off the cluster, with the triggers that were made for them, and wait until their pods have finished what they had and
consumers are told. Images, Secrets and the activator stay. A Knative Service that is no function is refused.`,
		Example: `  dubbofn undeploy greet
  dubbofn undeploy greet order -n shop --wait 10m`,
		Args: func(_ *cobra.Command, names []string) error {
			if len(names) == 0 {
				return usagef("undeploy needs a NAME or more: 'dubbofn list' shows them")
			}
			return nil
		},
	}
	accessFlags(c, &a)
	c.Flags().DurationVar(&wait, "wait", 5*time.Minute, "how long it may take")
	o := outputFlag(c)
	c.RunE = func(c *cobra.Command, names []string) error {
		if err := o.check(); err != nil {
			return err
		}
		at, err := reach(c, a)
		if err != nil {
			return err
		}
		ctx, cancel := within(c.Context(), wait)
		defer cancel()
		progress, changes := newSteps(c.ErrOrStderr()), []cluster.Change{}
		for _, name := range names {
			progress.next("taking " + name + " away")
			some, failed := at.Remove(ctx, name, func(what string) { progress.next("waiting for the end of " + what) })
			progress.end(failed)
			changes, err = append(changes, some...), errors.Join(err, failed)
		}
		return errors.Join(o.show(c, changes, func(t *terminal.Terminal) error {
			for _, x := range changes {
				fmt.Fprintf(t, "%s %q of namespace %s is deleted\n", x.Kind, x.Name, x.Namespace)
			}
			return nil
		}), err)
	}
	return c
}
