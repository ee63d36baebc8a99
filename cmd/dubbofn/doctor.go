package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/doctor"
	"github.com/dubbofn/dubbofn/internal/local"
	"github.com/dubbofn/dubbofn/internal/terminal"
)

// errFaults says that something is as no consumer can use it.
var errFaults = errors.New("found what a consumer fails on")

// doctorFlags are what `dubbofn doctor` takes.
type doctorFlags struct {
	registry, center, line, classes, admin, manifest, fix string
	apps                                                  []string
	timeout                                               int
	limit                                                 time.Duration
	verbose                                               bool
}

func doctorCommand() *cobra.Command {
	var f doctorFlags
	var o *output
	c := &cobra.Command{
		Use:   "doctor [SERVICE…]",
		Short: "Find what keeps consumers from a service, and what mends it",
		Long: `Look at everything that a consumer of a service depends on, as that consumer: registry and credentials, namespace and group, mapping,
instances, revisions and their metadata, version and group of the service, addresses, certificates, classes, timeouts against the cold starts
that were measured, and the activator. Each finding says what is wrong, what follows, and the command or the line for the shell that mends it.

SERVICE is [group/]interface[:version]; without one, all that the activator or --manifest tells of. The environment counts as for any consumer
(docs/configuration.md): DUBBOFN_REGISTRY, DUBBOFN_CALL_TIMEOUT, DUBBOFN_TLS_CA …. What depends on something that failed is skipped. Nothing is
written anywhere but by --fix, which writes what only the registry lacks: a mapping, or metadata that its provider can still tell.

The exit code is 8 where something is found that a consumer fails on (✗), 0 otherwise, with warnings (!) too.`,
		Example: `  dubbofn doctor org.example.GreetService
  dubbofn doctor --registry nacos://127.0.0.1:8848 --consumer-line 3.x --timeout 1000 org.example.GreetService
  dubbofn doctor --manifest ./greet --classes src/main/resources/security/serialize.allowlist
  dubbofn doctor --fix mapping --app greet org.example.GreetService
  dubbofn doctor -o json | jq -r '.[] | select(.state == "bad") | .mend'`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			cfg, err := f.config(c, args)
			if err != nil {
				return err
			}
			if f.fix != "" {
				return fix(c, cfg, f.fix)
			}
			return examine(c, o, cfg)
		},
	}
	fs := c.Flags()
	o = outputFlag(c)
	fs.StringVar(&f.registry, "registry", "", "where the consumer looks (default: DUBBOFN_REGISTRY, else embedded://)")
	fs.StringVar(&f.center, "metadata-center", "", "where metadata and mappings are, if not there (default: DUBBOFN_METADATA_CENTER)")
	fs.StringSliceVar(&f.apps, "app", nil, "applications that the consumer is told of (provided-by); those that --fix mapping names")
	fs.StringVar(&f.line, "consumer-line", "", "the consumer's Dubbo, 2.7 or 3.x (default: both are to be served)")
	fs.IntVar(&f.timeout, "timeout", 0, "how long the consumer waits for an answer, in milliseconds (default: DUBBOFN_CALL_TIMEOUT, else what is published, else 1000)")
	fs.StringVar(&f.classes, "classes", "", "a file with the class names, or beginnings of them, that the consumer trusts beside those of the interface: its security/serialize.allowlist")
	fs.StringVar(&f.admin, "admin", "", "the activator's port for operators (default: DUBBOFN_ADMIN, else 127.0.0.1:9090 if one is there)")
	fs.StringVar(&f.manifest, "manifest", "", "what should be deployed: a function's folder or program, or a file with what 'dubbofn describe' printed")
	fs.StringVar(&f.fix, "fix", "", "write what the registry lacks, mapping or metadata, and look at nothing else")
	fs.DurationVar(&f.limit, "limit", 20*time.Second, "how long it may take in all")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "print what registries log too")
	_ = c.RegisterFlagCompletionFunc("consumer-line", cobra.FixedCompletions([]string{doctor.Line27, doctor.Line3}, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	_ = c.RegisterFlagCompletionFunc("fix", cobra.FixedCompletions([]string{doctor.FixMapping, doctor.FixMetadata}, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return c
}

// config puts the flags before the environment of a consumer.
func (f *doctorFlags) config(c *cobra.Command, args []string) (cfg doctor.Config, err error) {
	env, err := client.FromEnvironment()
	if err != nil {
		return cfg, usageError{err}
	}
	level := slog.LevelError
	if f.verbose {
		level = slog.LevelDebug
	}
	cfg = doctor.Config{
		Services: args, Apps: f.apps, Registry: []string{cmp.Or(f.registry, defaultRegistry())}, MetadataCenter: cmp.Or(f.center, env.MetadataCenter), Adapters: adapters(), Line: f.line,
		Timeout: env.Timeout, Admin: cmp.Or(f.admin, adminAddress()), ClassesFile: f.classes, Limit: f.limit, Secret: env.TLS == "always",
		TLS: auth.TLSConfig{CertFile: env.TLSCert, KeyFile: env.TLSKey, CAFile: env.TLSCA, ServerName: env.TLSServerName},
		Log: slog.New(slog.NewTextHandler(logTo(c.ErrOrStderr(), f.verbose), &slog.HandlerOptions{Level: level})),
	}
	if c.Flags().Changed("timeout") {
		if f.timeout < 1 {
			return cfg, usagef("--timeout %d: want milliseconds, 1 or more", f.timeout)
		}
		cfg.Timeout = time.Duration(f.timeout) * time.Millisecond
	}
	if cfg.Admin == "" {
		cfg.Admin, cfg.AdminMaybe = "127.0.0.1:9090", true
	}
	if f.fix != "" && f.fix != doctor.FixMapping && f.fix != doctor.FixMetadata {
		return cfg, usagef("--fix %q: want %s or %s", f.fix, doctor.FixMapping, doctor.FixMetadata)
	}
	if f.classes != "" {
		if cfg.Classes, err = readClasses(f.classes); err != nil {
			return cfg, err
		}
	}
	if f.manifest != "" {
		if cfg.Manifest, err = manifestAt(c.Context(), f.manifest); err != nil {
			return cfg, err
		}
	}
	if err := cfg.Validate(); err != nil {
		return cfg, usageError{err}
	}
	return cfg, nil
}

// logTo is where a registry's log goes: nowhere, unless somebody asks, since what matters of it is a finding.
func logTo(w io.Writer, verbose bool) io.Writer {
	if verbose {
		return w
	}
	return io.Discard
}

// readClasses reads a list as Java does: a name or the beginning of one on each line, # before what is none. A file that is not there yet is
// an empty one: the mend makes it.
func readClasses(path string) (all []string, err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, usagef("--classes: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, maxManifestBytes))
	for lines.Scan() {
		if name := strings.TrimSpace(lines.Text()); name != "" && !strings.HasPrefix(name, "#") {
			all = append(all, name)
		}
	}
	return all, lines.Err()
}

// manifestAt reads a manifest: of a file with one, alone or as an activator's file of a function has it, else of a program, or a folder that is
// built first.
func manifestAt(ctx context.Context, path string) (*fn.Manifest, error) {
	if err := exists(path); err != nil {
		return nil, err
	}
	var text []byte
	if strings.HasSuffix(path, ".json") {
		var err error
		if text, err = readManifest(nil, path); err != nil {
			return nil, err
		}
	} else {
		tmp, err := os.MkdirTemp("", "dubbofn-doctor-")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(tmp) }() // what is left in the temporary folder harms nobody
		binary, err := local.Build(ctx, path, tmp)
		if err != nil {
			return nil, err
		}
		m, err := local.Describe(ctx, binary, environment())
		if err != nil {
			return nil, err
		}
		text = m.Text
	}
	var m struct {
		fn.Manifest
		Inside *fn.Manifest `json:"manifest"`
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, usagef("--manifest %s: %w; 'dubbofn describe' prints one", filepath.Base(path), err)
	}
	if m.Inside != nil {
		return m.Inside, nil
	}
	return &m.Manifest, nil
}

func fix(c *cobra.Command, cfg doctor.Config, what string) error {
	wrote, err := doctor.Fix(c.Context(), cfg, what)
	for _, line := range wrote {
		fmt.Fprintln(c.OutOrStdout(), line)
	}
	if errors.Is(err, doctor.ErrNothing) {
		return usageError{err}
	}
	return err
}

func examine(c *cobra.Command, o *output, cfg doctor.Config) error {
	all, err := doctor.Check(c.Context(), cfg)
	if errors.Is(err, doctor.ErrNothing) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	if err := o.show(c, all, func(t *terminal.Terminal) error { return showFindings(t, all) }); err != nil {
		return err
	}
	if doctor.Worst(all) == doctor.Bad {
		return errFaults
	}
	return nil
}

// showFindings lists what was found, the worst at the end, where it is read first, with what mends it.
func showFindings(t *terminal.Terminal, all []doctor.Finding) error {
	order := []doctor.State{doctor.OK, doctor.Skipped, doctor.Warn, doctor.Bad}
	count := map[doctor.State]int{}
	for _, state := range order {
		for _, f := range all {
			if f.State != state {
				continue
			}
			count[state]++
			if err := showFinding(t, f); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(t, "\n%d as it should be, %d skipped, %d to look at, %d wrong\n", count[doctor.OK], count[doctor.Skipped], count[doctor.Warn], count[doctor.Bad])
	return err
}

func showFinding(t *terminal.Terminal, f doctor.Finding) error {
	mark := map[doctor.State]string{
		doctor.OK: t.Paint(terminal.Good, "✓"), doctor.Skipped: t.Paint(terminal.Faint, "·"), doctor.Warn: t.Paint(terminal.Warn, "!"), doctor.Bad: t.Paint(terminal.Bad, "✗"),
	}[f.State]
	name := fmt.Sprintf("%-12s", f.Check)
	if f.State == doctor.Skipped {
		_, err := fmt.Fprintf(t, "%s %s %s\n", mark, name, t.Paint(terminal.Faint, "skipped: "+f.Why))
		return err
	}
	if f.State == doctor.OK {
		_, err := fmt.Fprintf(t, "%s %s %s\n", mark, name, f.Title)
		return err
	}
	fmt.Fprintf(t, "\n%s %s %s\n", mark, t.Paint(terminal.Strong, name), f.Title)
	if f.Why != "" {
		fmt.Fprintf(t, "%15s%s\n", "", t.Paint(terminal.Faint, f.Why))
	}
	if f.Mend != "" {
		fmt.Fprintf(t, "%15smend   %s\n", "", t.Paint(terminal.Accent, f.Mend))
	}
	if f.Restart != "" {
		_, err := fmt.Fprintf(t, "%15sthen   start the %s again\n", "", f.Restart)
		return err
	}
	return nil
}
