package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/gocomment"
	"github.com/dubbofn/dubbofn/internal/javagen"
	"github.com/dubbofn/dubbofn/internal/local"
	"github.com/dubbofn/dubbofn/internal/terminal"
)

// javaFlags are those of `dubbofn java`.
type javaFlags struct {
	javagen.Config
	into    string
	force   bool
	json    bool
	timeout time.Duration
}

func javaCommand() *cobra.Command {
	var f javaFlags
	c := &cobra.Command{
		Use:   "java DIR|BINARY|MANIFEST.json",
		Short: "Make the Java side of a function: a Maven project with its interfaces and types",
		Long: `Make what a Java team needs to call a function: a Maven project with the interfaces of its services, the classes, enums and exceptions that they use, and
an example that calls it by @DubboReference. Module api depends on nothing and is what consumers depend on; it suits Java 8 and later, and any Dubbo.

What is made follows from the function's manifest, as 'dubbofn describe' prints it. Of a DIR the sources are read too: the comments of methods, types and
fields become Javadoc, and parameters have their Go names.

Made again, files are overwritten, and classes that are no more are removed; a file without the line "` + javagen.Marker + `" is another's and stops the
command before it writes anything.`,
		Example: `  dubbofn java ./examples/functions/greet -o greet-java
  dubbofn describe ./examples/functions/order > order.json && dubbofn java order.json --dubbo 2.7.23
  cd greet-java && mvn -q package`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("java needs one DIR, BINARY or MANIFEST.json; got %d", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), f.timeout)
			defer cancel()
			return makeJava(ctx, c, &f, args[0])
		},
	}
	fs := c.Flags()
	fs.StringVarP(&f.into, "output", "o", "", "the folder to write to (default: APP-java)")
	fs.StringVar(&f.Dubbo, "dubbo", javagen.Dubbo3, "the version of Dubbo that the example uses: 2.7.x or 3.x; tested with "+javagen.Dubbo3+" and "+javagen.Dubbo27)
	fs.StringVar(&f.GroupID, "group-id", "", "Maven's groupId (default: the package of the first interface)")
	fs.StringVar(&f.Version, "project-version", "", "Maven's version of the project (default: 1.0.0-SNAPSHOT)")
	fs.BoolVar(&f.force, "force", false, "overwrite files that this command did not make, too")
	fs.BoolVar(&f.json, "json", false, "print what was written as JSON (-o is the folder)")
	fs.DurationVar(&f.timeout, "timeout", 2*time.Minute, "how long it may take, building included")
	_ = c.RegisterFlagCompletionFunc("dubbo", cobra.FixedCompletions([]string{javagen.Dubbo3, javagen.Dubbo27}, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return c
}

// madeJava is what the command says that it did.
type madeJava struct {
	Dir   string `json:"dir"`
	Dubbo string `json:"dubbo"`
	javagen.Written
}

func makeJava(ctx context.Context, c *cobra.Command, f *javaFlags, path string) error {
	m, err := manifestOf(ctx, path)
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if f.Comments, err = gocomment.Read(path, m); err != nil {
			return err
		}
	}
	files, err := javagen.Generate(m, f.Config)
	if err != nil {
		return err
	}
	if f.into == "" {
		f.into = filepath.Base(m.App) + "-java"
	}
	w, err := javagen.Write(f.into, files, f.force)
	if err != nil {
		return err
	}
	made := madeJava{Dir: f.into, Dubbo: f.Dubbo, Written: w}
	if f.json {
		return printJSON(c.OutOrStdout(), made)
	}
	return showJava(terminal.New(c.OutOrStdout()), made, m)
}

// manifestOf gives the manifest of a folder, a program, or a file that holds one.
func manifestOf(ctx context.Context, path string) (m fn.Manifest, err error) {
	text, err := manifestText(ctx, path)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("%s is no manifest, as 'dubbofn describe' prints it: %w", path, err)
	}
	return m, nil
}

func manifestText(ctx context.Context, path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && strings.HasSuffix(path, ".json") {
		return readManifest(nil, path)
	}
	tmp, err := os.MkdirTemp("", "dubbofn-java-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(tmp) }() // what is left in the temporary folder harms nobody
	binary, err := local.Build(ctx, path, tmp)
	if err != nil {
		return nil, err
	}
	d, err := local.Describe(ctx, binary, environment())
	return d.Text, err
}

func showJava(t *terminal.Terminal, made madeJava, m fn.Manifest) error {
	fmt.Fprintf(t, "%s: what %s offers (services: %d, types: %d), and an example with Dubbo %s\n\n", t.Paint(terminal.Strong, made.Dir), m.App, len(m.Services), len(m.Types), made.Dubbo)
	for _, part := range []struct {
		what  string
		files []string
	}{{"made", made.Made}, {"changed", made.Changed}, {"removed", made.Removed}} {
		for _, name := range part.files {
			fmt.Fprintf(t, "  %-8s %s\n", part.what, name)
		}
	}
	if n := len(made.Same); n > 0 {
		fmt.Fprintf(t, "  %d files are as they were\n", n)
	}
	_, err := fmt.Fprintf(t, "\nNext:\n  %s\n", t.Paint(terminal.Accent, "mvn -q -f "+made.Dir+" package"))
	return err
}
