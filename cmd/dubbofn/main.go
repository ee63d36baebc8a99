// Command dubbofn runs Dubbo functions, calls and describes them from the shell, and is what holds and wakes them in a cluster.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // one more signal ends a process that takes its time to drain
	err := rootCommand().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "dubbofn:", err)
		os.Exit(exitCode(err))
	}
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "dubbofn",
		Short: "Run, call and describe Dubbo functions",
		Long: `dubbofn turns Go functions into Apache Dubbo providers that unchanged Java consumers call.

On one machine:    dubbofn new greet               make the module of a function
                   dubbofn run ./greet             build functions and run each only while it is called
                   dubbofn call SERVICE METHOD     call any Dubbo provider, Go or Java
                   dubbofn event send FUNCTION     send it a CloudEvent
                   dubbofn describe ./greet        what a function offers
                   dubbofn java ./greet            its interfaces and types for a Java team, as a Maven project
                   dubbofn ledger                  what its last cold start was made of
                   dubbofn top                     what functions are doing, live
                   dubbofn doctor SERVICE          what keeps consumers from it, and what mends that
On Kubernetes:     dubbofn build ./greet           its image, pushed to a registry or written to the disk
                   dubbofn deploy ./greet          put a function onto Knative, and wait until consumers find it
                   dubbofn list, describe --deployed, logs, undeploy
                   dubbofn render function|activator|keeper   manifests for Knative
                   dubbofn activator, dubbofn keeper   the always-on parts, in pods of their own

Exit codes: 0 answered · 1 the method threw an exception · 2 wrong usage · 3 no such service, method or provider ·
4 timeout · 5 refused (limit reached, or not trusted) · 6 no connection, or it was lost · 7 any other failure ·
8 doctor found what a consumer fails on.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          help,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see '%s --help'", err, c.CommandPath())}
	})
	root.AddCommand(newCommand(), runCommand(), callCommand(), eventCommand(), importCommand(), buildCommand(), sbomCommand(), describeCommand(), javaCommand(), ledgerCommand(), topCommand(), doctorCommand(), renderCommand(), activatorCommand(), keeperCommand(), sinkCommand(), versionCommand(), manualCommand(), deployCommand(), undeployCommand(), listCommand(), logsCommand())
	strict(root)
	return root
}

func help(c *cobra.Command, _ []string) error { return c.Help() }

// strict makes wrong arguments of a command and of those below it faults of the command line.
func strict(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			err := check(c, args)
			if err == nil || isUsage(err) {
				return err
			}
			return usageError{fmt.Errorf("%w; see '%s --help'", err, c.CommandPath())}
		}
	}
	for _, below := range c.Commands() {
		strict(below)
	}
}

// usageError is a fault of the command line itself.
type usageError struct{ error }

// Unwrap gives the cause.
func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func isUsage(err error) bool { return errors.As(err, new(usageError)) }
