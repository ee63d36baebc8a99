package main

import (
	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/internal/daemon"
)

func activatorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "activator",
		Short: "Hold the calls of functions that sleep, and wake them",
		Long: `Run the activator: the always-on front of functions that sleep. Consumers find it in the registry, under each function's own
application name, connect once and stay connected. It holds their calls while a function wakes and hands them on.

Everything is set by the environment (docs/configuration.md); the most important:
  DUBBOFN_FUNCTIONS   knative (default), knative:NAMESPACE,… or a directory with a file NAME.json for each function
  DUBBOFN_REGISTRY    where consumers look: nacos://…, zookeeper://…, embedded://…
  DUBBOFN_TOKEN       what the activator and functions show each other
  DUBBOFN_HOST        the address that consumers are told
  DUBBOFN_TRACING     where spans of calls go: skywalking://oap:11800, otlp://collector:4317

It ends on SIGTERM: consumers are sent elsewhere, and what it holds is finished.`,
		Example: `  dubbofn render activator --image registry.example.org/dubbofn:v1 --registry nacos://nacos:8848 | kubectl apply -f -
  DUBBOFN_FUNCTIONS=./functions DUBBOFN_REGISTRY=nacos://127.0.0.1:8848 DUBBOFN_TOKEN=secret dubbofn activator`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := daemon.ActivatorFromEnvironment()
			if err != nil {
				return usageError{err}
			}
			log := daemon.Logger(cmd.ErrOrStderr(), c.LogLevel, c.LogFormat)
			f, err := c.Listen(log, adapters()...)
			if err != nil {
				return err
			}
			log.Info("activator: for operators", "http", f.Admin)
			return f.Run(cmd.Context())
		},
	}
}

func keeperCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "keeper",
		Short: "Keep connections and registry state for functions that sleep",
		Long: `Run the keeper: on every node, it keeps the outbound connections of functions and what registries say, so that a function that wakes
begins with both. Over a unix socket it gives the connections away; over TCP, and where they are TLS, it passes calls on.

Everything is set by the environment (docs/configuration.md); the most important:
  DUBBOFN_REGISTRY         the registries that functions look others up in, written as they have it
  DUBBOFN_KEEPER_APPS      a file with a line for each application: its name, its token, the targets that it may have
  DUBBOFN_TOKEN            or one token for all, and DUBBOFN_KEEPER_TARGETS what they may have
  DUBBOFN_KEEPER_SOCKET    where functions of this machine connect; DUBBOFN_KEEPER_PORT (20882): where those of this node do

Nothing breaks without it, or when it is restarted: functions then connect themselves.`,
		Example: `  dubbofn render keeper --image registry.example.org/dubbofn:v1 --registry nacos://nacos:8848 | kubectl apply -f -
  DUBBOFN_TOKEN=secret DUBBOFN_KEEPER_TARGETS=10.0.0.0/8:20880 DUBBOFN_KEEPER_SOCKET=/run/dubbofn/keeper.sock dubbofn keeper`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := daemon.KeeperFromEnvironment()
			if err != nil {
				return usageError{err}
			}
			log := daemon.Logger(cmd.ErrOrStderr(), c.LogLevel, c.LogFormat)
			s, err := c.Listen(cmd.Context(), log, adapters()...)
			if err != nil {
				return err
			}
			log.Info("keeper: for operators", "http", s.Admin)
			return s.Run(cmd.Context())
		},
	}
}
