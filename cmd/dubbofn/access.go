package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/deploy/cluster"
	"github.com/dubbofn/dubbofn/internal/terminal"
)

// accessFlags are what every command takes that speaks to a cluster.
func accessFlags(c *cobra.Command, a *cluster.Access) {
	fs := c.Flags()
	fs.StringVarP(&a.Namespace, "namespace", "n", "", "where functions are (default: that of the kubeconfig's context, else \"default\")")
	fs.StringVar(&a.Kubeconfig, "kubeconfig", "", "a file (default: $KUBECONFIG, else ~/.kube/config, else the pod's own account)")
	fs.StringVar(&a.Context, "context", "", "which of the kubeconfig's clusters and users (default: its current one)")
	fs.StringVar(&a.ActivatorNamespace, "activator-namespace", "dubbofn", "where the activator runs")
	fs.StringVar(&a.Admin, "admin", "", "the activator's port for operators, host:port (default: it is asked through the API server)")
}

// reach connects to a cluster; what the API server warns of goes to standard error.
func reach(c *cobra.Command, a cluster.Access) (*cluster.Cluster, error) {
	a.Admin = cmp.Or(a.Admin, adminAddress())
	a.Log = slog.New(slog.NewTextHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	return cluster.Connect(a)
}

// within bounds a command, where a limit is given.
func within(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, limit)
}

// steps shows what is being waited for, one after the other.
type steps struct {
	t    *terminal.Terminal
	last *terminal.Progress
}

func newSteps(w io.Writer) *steps { return &steps{t: terminal.New(w)} }

// next ends the step before, and begins one.
func (s *steps) next(title string) {
	s.end(nil)
	s.last = s.t.Progress(title, -1, false)
}

func (s *steps) end(err error) {
	if s.last != nil {
		s.last.Done(err)
		s.last = nil
	}
}

// clusterExit is the exit code of an error that came from a cluster; 0: it did not.
func clusterExit(err error) int {
	switch {
	case errors.Is(err, cluster.ErrUnreachable), errors.Is(err, cluster.ErrNoKnative):
		return exitUnavailable
	case errors.Is(err, cluster.ErrForbidden), errors.Is(err, cluster.ErrTaken), errors.Is(err, cluster.ErrRefused):
		return exitRefused
	case errors.Is(err, cluster.ErrNotFound):
		return exitNotFound
	case errors.Is(err, cluster.ErrNotReady):
		return exitOther
	}
	return 0
}
