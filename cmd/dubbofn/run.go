package main

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/internal/daemon"
	"github.com/dubbofn/dubbofn/internal/local"
	"github.com/dubbofn/dubbofn/internal/terminal"
	"github.com/dubbofn/dubbofn/registry"
	"github.com/dubbofn/dubbofn/registry/nacos"
	"github.com/dubbofn/dubbofn/registry/zookeeper"
)

func adapters() []registry.Adapter { return []registry.Adapter{nacos.Registry, zookeeper.Registry} }

func runCommand() *cobra.Command {
	var c local.Config
	c.Adapters = adapters()
	var port, admin int
	cmd := &cobra.Command{
		Use:   "run [DIR…]",
		Short: "Run functions on this machine, each only while it is called",
		Long: `Build the function of each DIR and run it as a cluster would: none runs until it is called, the first call starts it, and
after a time without calls it ends. Consumers see nothing of that: they are connected to the activator, which holds their calls meanwhile.
DIR is the current directory where none is given.

When a function's source changes, it is built anew, and its next call has the new program; a process that runs finishes its calls. What does not
compile is told with its place, and the program before goes on. On a terminal the last line tells who is awake.

A DIR may be a program as well. What functions print comes with their name in front. They get this command's environment, and all that
docs/configuration.md says of the activator holds here too. Consumers find the functions in DUBBOFN_REGISTRY, or in the embedded
registry, where 'dubbofn call' looks. In the first case the port for consumers is open to other machines, as a provider's is (DUBBOFN_BIND
and DUBBOFN_HOST say otherwise); all other ports never are.`,
		Example: `  dubbofn run                                        # the function in this directory
  dubbofn run ./examples/functions/greet ./examples/functions/board
  dubbofn call org.example.GreetService hello Ada     # in another terminal: wakes it
  dubbofn ledger                                      # what the wake was made of
  DUBBOFN_REGISTRY=nacos://127.0.0.1:8848 dubbofn run --idle 10s ./greet    # for Java consumers`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"."}
			}
			for _, path := range args {
				if err := exists(path); err != nil {
					return err
				}
			}
			a, err := daemon.ActivatorFromEnvironment()
			if err != nil {
				return usageError{err}
			}
			if cmd.Flags().Changed("port") {
				a.Port = port
			}
			if cmd.Flags().Changed("admin-port") {
				a.AdminPort = admin
			}
			c.Paths, c.Activator, c.Environment = args, a, environment()
			return runOn(cmd, c)
		},
	}
	flags := cmd.Flags()
	flags.DurationVar(&c.Idle, "idle", 30*time.Second, "how long after its last call a function ends")
	flags.DurationVar(&c.Start, "start", 10*time.Second, "how long a function may take to start")
	flags.DurationVar(&c.Grace, "grace", 15*time.Second, "how long a function may take to end before it is killed")
	flags.BoolVar(&c.NoKeeper, "no-keeper", false, "keep no connections for functions that sleep")
	flags.IntVar(&port, "port", 20880, "where consumers connect; 0: any port (environment: DUBBOFN_PORT)")
	flags.IntVar(&admin, "admin-port", 9090, "where 'dubbofn ledger' asks; 0: any port (environment: DUBBOFN_ADMIN_PORT)")
	flags.BoolP("verbose", "v", false, "print what the activator logs too")
	return cmd
}

// runOn runs functions and tells of them: on a terminal with a status line, above which goes what is logged too.
func runOn(cmd *cobra.Command, c local.Config) error {
	out, logged := terminal.New(cmd.OutOrStdout()), cmd.ErrOrStderr()
	line := out.StatusLine()
	defer func() { _ = line.Close() }() // it has no error to tell
	c.Out = line
	if out.Escapes() && !slices.Contains(c.Environment, "TERM=dumb") { // as in Emacs, which may say in COLORTERM that colours are welcome
		c.Colour, c.Status = true, line.Set
		if terminal.New(logged).Interactive() {
			logged = line
		}
	}
	c.Log = daemon.Logger(logged, logLevel(cmd, c.Activator.LogLevel), c.Activator.LogFormat)
	return local.Run(cmd.Context(), c)
}

// logLevel keeps the parts quiet on a terminal that shows the functions: warnings only, unless somebody asks.
func logLevel(cmd *cobra.Command, level string) string {
	if v, err := cmd.Flags().GetBool("verbose"); err == nil && !v && level == "info" {
		return "warn"
	}
	return level
}

// exists checks that there is something at a path.
func exists(path string) error {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return usagef("%s: there is no such directory, nor a program", path)
	}
	return err
}
