package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/internal/local"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
)

func describeCommand() *cobra.Command {
	var registryURL string
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "describe DIR|BINARY|SERVICE",
		Short: "Show what a function offers, as JSON",
		Long: `Show what a function offers, as JSON.

Of a directory or a binary: its manifest (services, methods, descriptors, types, timeouts) and the revision that follows from it.
The function is started with DUBBOFN_DESCRIBE=1, opens nothing, and ends. Of a SERVICE: where a consumer finds it in the registry.`,
		Example: `  dubbofn describe ./examples/functions/greet
  dubbofn describe --registry nacos://127.0.0.1:8848 org.example.GreetService`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("describe needs one DIR, BINARY or SERVICE; got %d", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), timeout)
			defer cancel()
			err := exists(args[0])
			switch {
			case err == nil:
				return describeProgram(ctx, c.OutOrStdout(), args[0])
			case filepath.IsAbs(args[0]), strings.HasPrefix(args[0], "."): // no service is named like that
				return err
			}
			return describeService(ctx, c.OutOrStdout(), registryURL, args[0])
		},
	}
	c.Flags().StringVar(&registryURL, "registry", "", "where to look a SERVICE up (default: DUBBOFN_REGISTRY, else embedded://)")
	c.Flags().DurationVar(&timeout, "timeout", 2*time.Minute, "how long it may take, building included")
	return c
}

// describeProgram asks a function's binary for its manifest; a directory is built first.
func describeProgram(ctx context.Context, out io.Writer, path string) error {
	tmp, err := os.MkdirTemp("", "dubbofn-describe-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }() // what is left in the temporary folder harms nobody
	binary, err := local.Build(ctx, path, tmp)
	if err != nil {
		return err
	}
	m, err := local.Describe(ctx, binary, environment())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", m.Text)
	return err
}

// found is what a consumer sees of a service.
type found struct {
	Service   string            `json:"service"`
	App       string            `json:"app,omitempty"`
	Address   string            `json:"address"` // the first of
	Addresses []string          `json:"addresses"`
	Params    map[string]string `json:"parameters"`
}

func describeService(ctx context.Context, out io.Writer, registryURL, service string) error {
	key, err := invoker.ParseServiceKey(service)
	if err != nil {
		return usageError{fmt.Errorf("%w; nor is it a directory or a binary", err)}
	}
	if err := checkJavaName("service", key.Interface); err != nil {
		return fmt.Errorf("%w; nor is it a directory or a binary", err)
	}
	c, s, err := refer(ctx, registryURL, "", key, os.Stderr)
	if err != nil {
		return err
	}
	all, err := providersOf(ctx, s)
	if err = errors.Join(err, c.Close()); err != nil {
		return err
	}
	f := found{Service: key.String(), App: all[0].App, Address: all[0].Address, Params: all[0].Service}
	for _, p := range all {
		f.Addresses = append(f.Addresses, p.Address)
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(f)
}

// providersOf gives the providers that are known, or why there are none: a call says it. It is $echo, which runs nothing where one comes
// meanwhile.
func providersOf(ctx context.Context, s interface {
	Providers() []*cluster.Provider
	Call(ctx context.Context, method string, into any, args ...any) error
},
) ([]*cluster.Provider, error) {
	all := s.Providers()
	if len(all) > 0 {
		return all, nil
	}
	if err := s.Call(ctx, "$echo", nil, ""); err != nil {
		return nil, err
	}
	if all = s.Providers(); len(all) == 0 {
		return nil, fmt.Errorf("%w is listed", cluster.ErrNoProvider)
	}
	return all, nil
}
