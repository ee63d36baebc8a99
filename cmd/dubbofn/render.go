package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/cold/keeper"
	"github.com/dubbofn/dubbofn/deploy"
)

func renderCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "render",
		Short: "Write manifests for Knative, and what Grafana and Prometheus take",
		Long: `Write the manifests of a function, of the activator, of the keeper, and of what brings events to functions, as YAML for 'kubectl apply -f -'; and the dashboard and the alerts that watch them.

No cluster is spoken to. Comments in what is written say which of Knative's settings it needs, and what happens without.`,
		Example: `  dubbofn render activator --image registry.example.org/dubbofn:v1 --registry nacos://nacos:8848 | kubectl apply -f -
  dubbofn describe ./greet | dubbofn render function greet --image registry.example.org/greet:v1 --manifest - | kubectl apply -f -`,
		Args: cobra.NoArgs,
		RunE: help,
	}
	c.AddCommand(renderFunctionCommand(), renderActivatorCommand(), renderKeeperCommand(), renderBrokerCommand(), renderTriggerCommand(), renderSinkCommand(),
		renderDashboardCommand(), renderAlertsCommand())
	return c
}

// yamler is what package deploy can write.
type yamler interface{ YAML() ([]byte, error) }

func write(out io.Writer, what yamler) error {
	text, err := what.YAML()
	if err != nil {
		return usageError{err}
	}
	_, err = out.Write(text)
	return err
}

func renderFunctionCommand() *cobra.Command {
	var f deploy.Function
	var manifest string
	c := &cobra.Command{
		Use:   "function NAME",
		Short: "A function, as a Knative Service",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			f.Name = args[0]
			var err error
			if f.Manifest, err = readManifest(c.InOrStdin(), manifest); err != nil {
				return err
			}
			return write(c.OutOrStdout(), f)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.Image, "image", "", "its image, with a tag other than latest or a digest")
	flags.StringVar(&manifest, "manifest", "", "what 'dubbofn describe' printed of it: a file, or - for standard input")
	flags.StringVar(&f.Namespace, "namespace", "default", "where it runs")
	functionFlags(c, &f)
	return c
}

// functionFlags are how a function runs.
func functionFlags(c *cobra.Command, f *deploy.Function) {
	flags := c.Flags()
	flags.StringVar(&f.Activator, "activator", "", "where it dials when it wakes, HOST:PORT, or none (default: the activator as 'dubbofn render activator' deploys it)")
	flags.StringVar(&f.Keeper, "keeper", "none", "its node's keeper, HOST:PORT, or none")
	flags.StringVar(&f.TokenSecret, "token-secret", "dubbofn-token", "the Secret, of the same namespace, whose key 'token' the activator shows it")
	flags.IntVar(&f.Concurrency, "concurrency", 0, "calls that a pod gets at once; 0: as many as the function takes")
	flags.IntVar(&f.Target, "target", 0, "calls at once that a pod should have; 0: Knative's default")
	flags.IntVar(&f.MinScale, "min-scale", 0, "the fewest pods")
	flags.IntVar(&f.MaxScale, "max-scale", 0, "the most pods; 0: no bound")
	flags.DurationVar(&f.Timeout, "timeout", 0, "how long a call may take, its wake included (default: from the manifest, at least 5m)")
	resourceFlags(c, &f.CPU, &f.Memory, &f.MemoryLimit)
	environmentFlag(c, &f.Environment)
}

func renderActivatorCommand() *cobra.Command {
	var a deploy.Activator
	c := &cobra.Command{
		Use:   "activator",
		Short: "The activator, as a Deployment with its Services and its role",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return write(c.OutOrStdout(), a) },
	}
	flags := c.Flags()
	systemFlags(c, &a.Image, &a.Namespace, &a.Registry, &a.RegistrySecret, &a.TokenSecret)
	flags.IntVar(&a.Replicas, "replicas", 2, "how many share the consumers")
	flags.StringSliceVar(&a.Namespaces, "watch", nil, "the namespaces whose functions it serves (default: all)")
	flags.StringVar(&a.Host, "host", "", "the address that consumers are told, of a single replica (default: each pod's own)")
	resourceFlags(c, &a.CPU, &a.Memory, &a.MemoryLimit)
	environmentFlag(c, &a.Environment)
	return c
}

func renderKeeperCommand() *cobra.Command {
	var k deploy.Keeper
	c := &cobra.Command{
		Use:   "keeper",
		Short: "The keeper, as a DaemonSet with its Service",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := keeper.NewApp("functions", "token", k.Targets...); err != nil { // as the keeper itself will read them
				return usagef("--targets: %w", err)
			}
			return write(c.OutOrStdout(), k)
		},
	}
	systemFlags(c, &k.Image, &k.Namespace, &k.Registry, &k.RegistrySecret, &k.TokenSecret)
	c.Flags().StringSliceVar(&k.Targets, "targets", nil, "what functions may have connections to, HOST:PORT: a network, an address, a name, *.NAME or *; a number or *")
	resourceFlags(c, &k.CPU, &k.Memory, &k.MemoryLimit)
	environmentFlag(c, &k.Environment)
	return c
}

func systemFlags(c *cobra.Command, image, namespace, registryURL, registrySecret, tokenSecret *string) {
	c.Flags().StringVar(image, "image", "", "the image of the command dubbofn, with a tag other than latest or a digest")
	c.Flags().StringVar(namespace, "namespace", "dubbofn", "where it runs")
	c.Flags().StringVar(registryURL, "registry", "", "where consumers look, as nacos://nacos.example.org:8848")
	c.Flags().StringVar(registrySecret, "registry-secret", "", "instead, the Secret whose key 'url' holds it")
	c.Flags().StringVar(tokenSecret, "token-secret", "dubbofn-token", "the Secret whose key 'token' it and the functions show each other")
}

func resourceFlags(c *cobra.Command, cpu, memory, limit *string) {
	c.Flags().StringVar(cpu, "cpu", "", "the CPU that a pod asks for, as 100m")
	c.Flags().StringVar(memory, "memory", "", "the memory that a pod asks for, as 32Mi")
	c.Flags().StringVar(limit, "memory-limit", "", "the memory that a pod may take")
}

func environmentFlag(c *cobra.Command, to *map[string]string) {
	*to = map[string]string{}
	c.Flags().Func("env", "one more variable of its environment, NAME=VALUE (may be given again)", func(s string) error {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return errors.New("want NAME=VALUE")
		}
		(*to)[name] = value
		return nil
	})
}

const maxManifestBytes = 8 << 20

// readManifest reads a file, or standard input for "-".
func readManifest(in io.Reader, path string) ([]byte, error) {
	switch {
	case path == "":
		return nil, usagef("render function needs --manifest: a file with what 'dubbofn describe' printed, or - for standard input")
	case path != "-":
		f, err := os.Open(path)
		if err != nil {
			return nil, usagef("--manifest: %w; 'dubbofn describe' prints one", err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxManifestBytes+1))
	if err == nil && len(text) > maxManifestBytes {
		err = fmt.Errorf("longer than %d bytes", maxManifestBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("read manifest %s: %w", strings.TrimPrefix(path, "-"), err)
	}
	return text, nil
}
