package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/image"
	"github.com/dubbofn/dubbofn/internal/terminal"
)

// buildFlags are those of `dubbofn build` that are not a field of the configuration as they are.
type buildFlags struct {
	image.Config
	push   string
	labels []string
}

func buildCommand() *cobra.Command {
	var f buildFlags
	c := &cobra.Command{
		Use:   "build [DIR…]",
		Short: "Make the OCI image of a function, without a container engine",
		Long: `Compile the program of each DIR (default: this folder) for linux/amd64 and linux/arm64, make an image of it, and push it to a registry, or write it as
a tarball for 'docker load' or as an OCI layout. It takes Go, nothing else.

The program is static and runs as user 65532, not as root. Around it are certificates, time zones and a folder for temporary files, or what --base names.
Beside the image is the list of the modules that are linked in (SPDX), and in its label ` + image.ManifestLabel + ` is what the function offers.
The same sources give the same bytes, in any folder, at any time; SOURCE_DATE_EPOCH sets the times in it. Its tag follows from its content, unless you give one.

Passwords of registries are those that 'docker login' and 'podman login' keep. Registries on this machine and at private addresses are spoken to without TLS.

With several DIRs, each name is added to the repository and to the layout's folder.`,
		Example: `  dubbofn build ./greet --push registry.example.org/team/greet
  dubbofn build ./greet ./orders --push registry.example.org/team -o json
  dubbofn build ./greet --tarball greet.tar && docker load -i greet.tar
  dubbofn build ./greet --layout ./out --sbom greet.spdx.json`,
	}
	fs := c.Flags()
	fs.StringVar(&f.push, "push", "", "the repository to push to, HOST/NAME or HOST/NAME:TAG")
	fs.StringVar(&f.Tarball, "tarball", "", "a file to write for docker load: the image of one platform, this machine's unless --platform says another")
	fs.StringVar(&f.Layout, "layout", "", "a folder to write as an OCI layout, or to add the image to")
	fs.StringVar(&f.SBOM, "sbom", "", "a file for the list of what is linked in (SPDX 2.3, JSON)")
	fs.StringVar(&f.Tag, "tag", "", "the tag (default: one that follows from the content)")
	fs.StringVar(&f.Name, "name", "", "the program's name, which is the application's too (default: the folder's)")
	fs.StringSliceVar(&f.Platforms, "platform", nil, "platforms, e.g. linux/amd64,linux/arm64 (the default) or linux/arm/v7")
	fs.StringVar(&f.Base, "base", "", "an image to build on, e.g. gcr.io/distroless/static (default: none)")
	fs.StringVar(&f.Certificates, "certificates", "", "a PEM file with the certificates that the image trusts, or none (default: this machine's)")
	fs.StringVar(&f.LDFlags, "ldflags", "", "more flags of the linker, e.g. '-X main.version=v1.2.3'")
	fs.StringArrayVar(&f.labels, "label", nil, "a label, NAME=VALUE, e.g. org.opencontainers.image.version=v1.2.3; may be repeated")
	fs.BoolVar(&f.NoReferrer, "no-referrer", false, "push no list of modules beside the image, for registries that refuse it")
	fs.BoolVar(&f.NoManifest, "no-manifest", false, "the program is no function: do not ask what it offers")
	fs.BoolVar(&f.PlainHTTP, "plain-http", false, "speak to the registry without TLS")
	o := outputFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		return build(c, o, f, args)
	}
	return c
}

// build makes one image after the other.
func build(c *cobra.Command, o *output, f buildFlags, dirs []string) error {
	if len(dirs) == 0 {
		dirs = []string{"."}
	}
	configs, err := f.configs(dirs)
	if err != nil {
		return err
	}
	screen := terminal.New(c.ErrOrStderr())
	var all []image.Result
	for _, config := range configs {
		config.Progress = func(title string, total int64, bytes bool) image.Progress {
			return screen.Progress(title, total, bytes)
		}
		r, err := image.Build(c.Context(), config)
		if errors.Is(err, image.ErrConfig) {
			return usageError{err}
		}
		if err != nil {
			return err
		}
		for _, w := range r.Warnings {
			fmt.Fprintln(screen, screen.Paint(terminal.Warn, "!"), w)
		}
		all = append(all, r)
	}
	return o.show(c, all, func(t *terminal.Terminal) error {
		for _, r := range all {
			if err := showImage(t, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// configs gives a configuration for each folder.
func (f buildFlags) configs(dirs []string) ([]image.Config, error) {
	base := f.Config
	if f.push == "" && f.Tarball == "" && f.Layout == "" {
		return nil, usagef("build: where to? want --push HOST/NAME, --tarball FILE or --layout FOLDER, e.g. dubbofn build --layout ./out")
	}
	if len(dirs) > 1 && (f.Tarball != "" || f.SBOM != "" || f.Name != "") {
		return nil, usagef("build: --tarball, --sbom and --name are for one DIR; got %d", len(dirs))
	}
	base.Push = f.push != ""
	repository, tag := image.ParseName(f.push)
	if tag != "" && f.Tag != "" && tag != f.Tag {
		return nil, usagef("build: --push says tag %q, --tag %q", tag, f.Tag)
	}
	base.Repository, base.Tag = repository, cmp.Or(f.Tag, tag)
	base.Labels = map[string]string{}
	for _, l := range f.labels {
		name, value, ok := strings.Cut(l, "=")
		if !ok || name == "" {
			return nil, usagef("--label %q: want NAME=VALUE", l)
		}
		base.Labels[name] = value
	}
	base.Environment = environment()
	var err error
	if base.Created, err = sourceDate(base.Environment); err != nil {
		return nil, err
	}
	var all []image.Config
	for _, dir := range dirs {
		config := base
		config.Dir = dir
		if len(dirs) > 1 {
			absolute, err := filepath.Abs(dir)
			if err != nil {
				return nil, err
			}
			name := filepath.Base(absolute)
			if config.Push {
				config.Repository += "/" + strings.ToLower(name)
			}
			if config.Layout != "" {
				config.Layout = filepath.Join(config.Layout, name)
			}
		}
		all = append(all, config)
	}
	return all, nil
}

// sourceDate is SOURCE_DATE_EPOCH, seconds since 1970 (https://reproducible-builds.org/specs/source-date-epoch/); without one, the zero time.
func sourceDate(environment []string) (at time.Time, err error) {
	for _, v := range environment {
		name, value, _ := strings.Cut(v, "=")
		if name != "SOURCE_DATE_EPOCH" || value == "" {
			continue
		}
		seconds, err := strconv.ParseInt(value, 10, 64)
		const year10000 = 253402300800
		if err != nil || seconds < 0 || seconds >= year10000 {
			return at, usagef("SOURCE_DATE_EPOCH=%q: want seconds since 1970", value)
		}
		at = time.Unix(seconds, 0)
	}
	return at, nil
}

func showImage(t *terminal.Terminal, r image.Result) error {
	var rows [][]string
	for _, p := range r.Platforms {
		rows = append(rows, []string{p.Platform, megabytes(p.CompressedBytes), megabytes(p.UncompressedBytes), strconv.Itoa(p.Modules), p.Digest[:19] + "…"})
	}
	fmt.Fprint(t, t.Table([]string{"PLATFORM", "TO PULL", "UNPACKED", "MODULES", "DIGEST"}, rows))
	for _, where := range [][2]string{{"tarball", r.Tarball}, {"layout", r.Layout}, {"sbom", r.SBOM}} {
		if where[1] != "" {
			fmt.Fprintf(t, "%-8s %s\n", where[0], where[1])
		}
	}
	if r.Pushed {
		fmt.Fprintf(t, "%-8s %s\n", "pushed", t.Paint(terminal.Accent, r.Pinned))
	}
	_, err := fmt.Fprintf(t, "%-8s %s\n", "image", t.Paint(terminal.Strong, r.Ref))
	return err
}

// megabytes is a size for people.
func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
