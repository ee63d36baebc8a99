package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/deploy/cluster"
	"github.com/dubbofn/dubbofn/internal/local"
	"github.com/dubbofn/dubbofn/internal/terminal"
	"github.com/dubbofn/dubbofn/invoker"
	invokers "github.com/dubbofn/dubbofn/invoker/cluster"
)

func describeCommand() *cobra.Command {
	var registryURL string
	var timeout time.Duration
	var deployed bool
	var access cluster.Access
	var o *output
	c := &cobra.Command{
		Use:   "describe DIR|BINARY|SERVICE|--deployed NAME",
		Short: "Show what a function offers, as JSON; or how one on the cluster is",
		Long: `Show what a function offers, as JSON.

Of a directory or a binary: its manifest (services, methods, descriptors, types, timeouts) and the revision that follows from it.
The function is started with DUBBOFN_DESCRIBE=1, opens nothing, and ends. Of a SERVICE: where a consumer finds it in the registry.

With --deployed, of a function on the cluster: whether it is ready and what is wrong if not, its pods, the shares of its revisions, its
triggers, and what the activator says; with -o json its manifest too.`,
		Example: `  dubbofn describe ./examples/functions/greet
  dubbofn describe --registry nacos://127.0.0.1:8848 org.example.GreetService
  dubbofn describe --deployed greet -n shop`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("describe needs one DIR, BINARY or SERVICE; got %d", len(args))
			}
			return o.check()
		},
		RunE: func(c *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), timeout)
			defer cancel()
			if deployed {
				return describeDeployed(ctx, c, o, access, args[0])
			}
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
	c.Flags().BoolVar(&deployed, "deployed", false, "of the function of that name on the cluster")
	accessFlags(c, &access)
	o = outputFlag(c)
	c.Flags().Lookup("output").Usage = "with --deployed: text or json; the others are JSON"
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
	Providers() []*invokers.Provider
	Call(ctx context.Context, method string, into any, args ...any) error
},
) ([]*invokers.Provider, error) {
	all := s.Providers()
	if len(all) > 0 {
		return all, nil
	}
	if err := s.Call(ctx, "$echo", nil, ""); err != nil {
		return nil, err
	}
	if all = s.Providers(); len(all) == 0 {
		return nil, fmt.Errorf("%w is listed", invokers.ErrNoProvider)
	}
	return all, nil
}

// describeDeployed shows a function on the cluster.
func describeDeployed(ctx context.Context, c *cobra.Command, o *output, access cluster.Access, name string) error {
	at, err := reach(c, access)
	if err != nil {
		return err
	}
	d, err := at.Describe(ctx, name)
	if err != nil {
		return err
	}
	return o.show(c, d, func(t *terminal.Terminal) error {
		showDetail(t, d)
		return nil
	})
}

func showDetail(t *terminal.Terminal, d cluster.Detail) {
	rows := [][]string{
		{"namespace", d.Namespace}, {"application", d.App}, {"offers", strings.Join(d.Services, ", ")}, {"image", d.Image}, {"url", d.URL},
		{"ready", d.Ready}, {"revision", d.Revision}, {"state", state(t, d.Function)}, {"triggers", strings.Join(d.Triggers, ", ")},
	}
	switch {
	case d.Visible:
		rows = append(rows, []string{"consumers", "find it"})
	case d.Fault != "":
		rows = append(rows, []string{"consumers", "the activator refuses it: " + d.Fault})
	case d.Note != "":
		rows = append(rows, []string{"consumers", d.Note})
	default:
		rows = append(rows, []string{"consumers", "do not find it: the activator has no stand-in of it"})
	}
	for _, r := range rows {
		fmt.Fprintf(t, "%-12s %s\n", r[0], cmp.Or(r[1], "-"))
	}
	if len(d.Traffic) > 0 {
		var shares []string
		for _, s := range d.Traffic {
			shares = append(shares, fmt.Sprintf("%s %d%%", s.Revision, s.Percent))
		}
		fmt.Fprintf(t, "%-12s %s\n", "calls go to", strings.Join(shares, ", "))
	}
	if len(d.Pods) > 0 {
		var pods [][]string
		for _, p := range d.Pods {
			pods = append(pods, []string{p.Name, p.Phase, map[bool]string{true: "ready", false: "not ready"}[p.Ready], strconv.Itoa(p.Restarts), p.Created.Local().Format(time.DateTime)})
		}
		fmt.Fprintln(t)
		fmt.Fprint(t, t.Table([]string{"POD", "PHASE", "READY", "RESTARTS", "CREATED"}, pods))
	}
	fmt.Fprintln(t)
	for _, condition := range d.Conditions {
		fmt.Fprintln(t, condition)
	}
	if d.Trouble != nil {
		fmt.Fprintf(t, "\n%s %v\n", t.Paint(terminal.Bad, "✗"), d.Trouble)
	}
}
