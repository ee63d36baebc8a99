package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/deploy"
	"github.com/dubbofn/dubbofn/deploy/cluster"
	"github.com/dubbofn/dubbofn/image"
	"github.com/dubbofn/dubbofn/internal/local"
	"github.com/dubbofn/dubbofn/internal/terminal"
)

// deployFlags are what `dubbofn deploy` takes.
type deployFlags struct {
	access    cluster.Access
	options   cluster.Options
	function  deploy.Function
	delivery  deploy.Delivery
	triggers  []string
	app       string
	manifest  string
	push      string
	platforms []string
	plainHTTP bool
	wait      time.Duration
	output    *output
}

func deployCommand() *cobra.Command {
	var f deployFlags
	c := &cobra.Command{
		Use:   "deploy [DIR…]",
		Short: "Put functions onto Knative, and wait until consumers find them",
		Long: `Put the function of each DIR onto the cluster: it is built, its image is pushed to --push, it is applied as a Knative Service, and waited
for until Knative serves it and the activator has it where consumers look. With --image, an image that is there is deployed: the DIR only
tells what it offers, or --manifest does.

What does not get ready is told with its cause (conditions, events, the end of its log) and what mends it. No access to the registry of
Dubbo is needed. -o yaml prints what would be applied, and asks no cluster; --dry-run has the cluster check it, and changes nothing.

What is applied belongs to "dubbofn" (server-side apply): fields that others set stay theirs. A function that offers what another one offers
is refused. Needed rights, in the function's namespace: get, list, create, patch on services.serving.knative.dev; to tell what is wrong, get
and list on configurations and revisions there, pods, events, get on pods/log. With --trigger the same on triggers.eventing.knative.dev. In
the activator's namespace: get on services/proxy. Who also may list services.serving.knative.dev everywhere learns of double offers there.`,
		Example: `  dubbofn deploy ./greet --push registry.example.org/team/greet
  dubbofn deploy ./greet ./order --push registry.example.org/team
  dubbofn deploy ./greet --image registry.example.org/team/greet:v1 --dry-run
  dubbofn deploy ./order --push registry.example.org/team/order --trigger orders:type=org.example.order.placed
  dubbofn deploy ./greet --image registry.example.org/team/greet:v1 -o yaml >greet.yaml`,
		Args: func(_ *cobra.Command, dirs []string) error { return f.check(dirs) },
		RunE: f.run,
	}
	fs := c.Flags()
	fs.StringVar(&f.function.Name, "name", "", "the Knative Service's name (default: the folder's; with --manifest, the application's)")
	fs.StringVar(&f.app, "app", "", "the Dubbo application's name (default: the program's own)")
	fs.StringVar(&f.function.Image, "image", "", "an image that is there, with a tag other than latest or a digest; nothing is built for it")
	fs.StringVar(&f.manifest, "manifest", "", "with --image and without a DIR: what 'dubbofn describe' printed, a file, or - for standard input")
	fs.StringVar(&f.push, "push", "", "the repository to push to, HOST/NAME or HOST/NAME:TAG; of several DIRs each has its name added")
	fs.StringSliceVar(&f.platforms, "platform", nil, "what nodes there are (default linux/amd64,linux/arm64)")
	fs.BoolVar(&f.plainHTTP, "plain-http", false, "the registry of --push speaks no TLS")
	fs.StringArrayVar(&f.triggers, "trigger", nil, "events for it: NAME[@BROKER][:ATTRIBUTE=VALUE,…] (may be given again)")
	accessFlags(c, &f.access)
	functionFlags(c, &f.function)
	deliveryFlags(c, &f.delivery)
	fs.BoolVar(&f.options.DryRun, "dry-run", false, "have the cluster check it all, and change nothing")
	fs.BoolVar(&f.options.Force, "force", false, "take over what somebody else has set")
	fs.BoolVar(&f.options.Share, "share", false, "deploy although another function offers the same")
	fs.DurationVar(&f.wait, "wait", 3*time.Minute, "how long it may take to get ready; 0: do not wait")
	f.output = outputFlag(c)
	fs.Lookup("output").Usage = "text, json, or yaml: what would be applied"
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json", "yaml"}, cobra.ShellCompDirectiveNoFileComp)) // as text and json had it
	return c
}

// check finds what contradicts itself, before anything is done.
func (f *deployFlags) check(dirs []string) error {
	switch {
	case f.output.form != "yaml" && f.output.check() != nil:
		return usagef("--output %q: want text, json or yaml", f.output.form)
	case len(dirs) == 0 && f.function.Image == "":
		return usagef("deploy needs a DIR with a function, e.g. dubbofn deploy ./greet --push registry.example.org/team/greet; or --image and --manifest")
	case len(dirs) == 0 && f.manifest == "":
		return usagef("deploy --image needs --manifest: a file with what 'dubbofn describe' printed, or -; or the DIR that the image is made of")
	case len(dirs) > 0 && f.manifest != "":
		return usagef("deploy takes a DIR or --manifest: each of them says what is offered")
	case len(dirs) > 1 && (f.function.Image != "" || f.function.Name != "" || f.app != "" || len(f.triggers) > 0):
		return usagef("--image, --name, --app and --trigger are of one function; there are %d", len(dirs))
	case len(dirs) > 0 && f.function.Image == "" && f.push == "":
		return usagef("deploy needs --push, where nodes can get the image: e.g. --push registry.example.org/team/greet; or --image, where it is already")
	case f.function.Environment["DUBBOFN_APP"] != "":
		return usagef("--env DUBBOFN_APP: want --app %s", f.function.Environment["DUBBOFN_APP"])
	}
	for _, dir := range dirs {
		if err := exists(dir); err != nil {
			return err
		}
	}
	return nil
}

// deployed is what is shown of one.
type deployed struct {
	cluster.Function
	Changes []cluster.Change `json:"changes"`
	DryRun  bool             `json:"dryRun,omitempty"`
	Trouble *cluster.Trouble `json:"trouble,omitempty"`
}

func (f *deployFlags) run(c *cobra.Command, dirs []string) error {
	namespace, err := f.access.InNamespace()
	if err != nil {
		return err
	}
	f.function.Namespace = namespace
	var at *cluster.Cluster
	ctx := c.Context()
	if f.output.form != "yaml" { // before anything is built, which takes its time
		if at, err = reach(c, f.access); err != nil {
			return err
		}
		if err := at.Check(ctx, len(f.triggers) > 0); err != nil {
			return err
		}
	}
	progress := newSteps(c.ErrOrStderr())
	var all []cluster.Release
	for _, dir := range orOne(dirs) {
		r, err := f.release(ctx, c, progress, dir, len(dirs) > 1)
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	if f.output.form == "yaml" {
		for _, r := range all {
			if err := write(c.OutOrStdout(), r); err != nil {
				return err
			}
		}
		return nil
	}
	shown := []deployed{}
	for _, r := range all {
		d, failed := f.one(ctx, at, r, progress)
		shown = append(shown, d)
		err = errors.Join(err, failed)
	}
	if len(shown) == 1 && err != nil && !f.output.json() {
		return err
	}
	return errors.Join(f.show(c, shown), err)
}

// orOne is the folders, or one that is none: --manifest takes its place.
func orOne(dirs []string) []string {
	if len(dirs) == 0 {
		return []string{""}
	}
	return dirs
}

// one applies a release and waits for it.
func (f *deployFlags) one(ctx context.Context, at *cluster.Cluster, r cluster.Release, progress *steps) (d deployed, err error) {
	d = deployed{Function: cluster.Function{Namespace: r.Function.Namespace, Name: r.Function.Name, Image: r.Function.Image, Ready: "Unknown", Services: []string{}}, DryRun: f.options.DryRun}
	progress.next("applying " + r.Function.Name)
	d.Changes, err = at.Apply(ctx, r, f.options)
	progress.end(err)
	if err != nil || f.options.DryRun || f.wait <= 0 {
		return d, err
	}
	limited, cancel := context.WithTimeout(ctx, f.wait)
	defer cancel()
	d.Function, err = at.Wait(limited, r, func(what string) { progress.next("waiting for " + what) })
	progress.end(err)
	_ = errors.As(err, &d.Trouble) // nil where it is none
	if errors.Is(err, context.Canceled) {
		err = fmt.Errorf("%w; what was applied stays: 'dubbofn describe --deployed %s' tells how it goes, 'dubbofn undeploy %s' takes it away", err, d.Name, d.Name)
	}
	return d, err
}

// release makes what is deployed: the image, what it offers, its name.
func (f *deployFlags) release(ctx context.Context, c *cobra.Command, progress *steps, dir string, several bool) (r cluster.Release, err error) {
	r.Function = f.function
	if r.Triggers, err = f.parseTriggers(); err != nil {
		return r, err
	}
	if dir == "" {
		if r.Function.Manifest, err = readManifest(c.InOrStdin(), f.manifest); err != nil {
			return r, err
		}
		r.Function.Name, err = f.named(r.Function.Manifest)
		return r, err
	}
	path, err := filepath.Abs(dir)
	if err != nil {
		return r, err
	}
	if r.Function.Name == "" {
		r.Function.Name = filepath.Base(path)
	}
	if err := deploy.CheckName(r.Function.Name); err != nil {
		return r, usagef("deploy %s: --name: %w", dir, err)
	}
	if r.Function.Image == "" {
		repository, tag := image.ParseName(f.push)
		if several {
			repository = strings.TrimSuffix(repository, "/") + "/" + r.Function.Name
		}
		if r.Function.Image, r.Function.Manifest, err = f.build(ctx, c, image.Config{Dir: dir, Repository: repository, Tag: tag}); err != nil {
			return r, err
		}
	}
	if f.app == "" && len(f.function.Environment) == 0 && r.Function.Manifest != nil {
		return r, nil
	}
	progress.next("asking " + dir + " what it offers")
	r.Function.Manifest, err = f.offered(ctx, dir)
	progress.end(err)
	return r, err
}

// named gives the function's name: --name, else the application's.
func (f *deployFlags) named(manifest []byte) (string, error) {
	if f.function.Name != "" {
		return f.function.Name, nil
	}
	var m local.Manifest
	if err := json.Unmarshal(manifest, &m); err != nil || m.App == "" {
		return "", usagef("--manifest %s is no manifest: 'dubbofn describe' prints one", f.manifest)
	}
	return m.App, nil
}

// build makes the image of a folder, and pushes it but for -o yaml.
func (f *deployFlags) build(ctx context.Context, c *cobra.Command, config image.Config) (ref string, manifest []byte, err error) {
	t := terminal.New(c.ErrOrStderr())
	config.Push, config.Platforms, config.PlainHTTP, config.Environment = f.output.form != "yaml" && !f.options.DryRun, f.platforms, f.plainHTTP, environment()
	config.Progress = func(title string, total int64, bytes bool) image.Progress { return t.Progress(title, total, bytes) }
	made, err := image.Build(ctx, config)
	if errors.Is(err, image.ErrConfig) {
		return "", nil, usageError{err}
	}
	if err != nil {
		return "", nil, err
	}
	for _, w := range made.Warnings {
		fmt.Fprintln(t, t.Paint(terminal.Warn, "! ")+w)
	}
	return made.Pinned, made.Manifest, nil
}

// offered asks the program of a folder what it offers, in the environment that it will have.
func (f *deployFlags) offered(ctx context.Context, dir string) ([]byte, error) {
	tmp, err := os.MkdirTemp("", "dubbofn-deploy-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(tmp) }() // what is left in the temporary folder harms nobody
	binary, err := local.Build(ctx, dir, tmp)
	if err != nil {
		return nil, err
	}
	env := slices.Clone(environment())
	for name, value := range f.function.Environment {
		env = append(env, name+"="+value)
	}
	if f.app != "" {
		env = append(env, "DUBBOFN_APP="+f.app)
	}
	m, err := local.Describe(ctx, binary, env)
	return m.Text, err
}

// parseTriggers reads NAME[@BROKER][:ATTRIBUTE=VALUE,…].
func (f *deployFlags) parseTriggers() (all []deploy.Trigger, err error) {
	for _, text := range f.triggers {
		head, filter, filtered := strings.Cut(text, ":")
		t := deploy.Trigger{Delivery: f.delivery, Filter: map[string]string{}}
		t.Name, t.Broker, _ = strings.Cut(head, "@")
		if filtered {
			for part := range strings.SplitSeq(filter, ",") {
				name, value, ok := strings.Cut(part, "=")
				if !ok {
					return nil, usagef("--trigger %q: want NAME[@BROKER][:ATTRIBUTE=VALUE,…], as orders:type=org.example.order.placed", text)
				}
				t.Filter[name] = value
			}
		}
		all = append(all, t)
	}
	return all, nil
}

func (f *deployFlags) show(c *cobra.Command, all []deployed) error {
	return f.output.show(c, all, func(t *terminal.Terminal) error {
		for _, d := range all {
			if f.options.DryRun || f.wait <= 0 {
				for _, x := range d.Changes {
					fmt.Fprintf(t, "%s %q in namespace %s: %s%s\n", x.Kind, x.Name, x.Namespace, x.Action, map[bool]string{true: " (dry run)"}[f.options.DryRun])
				}
				continue
			}
			if d.Trouble != nil || d.Ready != "True" {
				continue // its error says it
			}
			showDeployed(t, d)
		}
		return nil
	})
}

func showDeployed(t *terminal.Terminal, d deployed) {
	fmt.Fprintf(t, "%s is deployed as %s of application %s, in namespace %s\n", t.Paint(terminal.Strong, d.Name), d.Revision, t.Paint(terminal.Strong, d.App), d.Namespace)
	for _, s := range d.Services {
		fmt.Fprintf(t, "  offers %s\n", s)
	}
	switch {
	case d.Visible:
		fmt.Fprintf(t, "  consumers find it; it is %s\n", state(t, d.Function))
	case d.Note != "":
		fmt.Fprintf(t, "  %s %s\n", t.Paint(terminal.Warn, "!"), d.Note)
	}
	fmt.Fprintf(t, "  its log: %s\n", t.Paint(terminal.Accent, fmt.Sprintf("dubbofn logs %s -n %s -f", d.Name, d.Namespace)))
}
