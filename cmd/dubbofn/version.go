package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/internal/terminal"
)

// version is the release, set by the linker (-X main.version=v1.2.3) where the module's own version does not tell it.
var version string //nolint:gochecknoglobals // the linker can set nothing else

// versions is what `dubbofn version` shows.
type versions struct {
	Version  string `json:"version"` // "v1.2.3", a pseudo-version, or "devel"
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"` // built from sources that are not as committed
	Go       string `json:"go"`
	Platform string `json:"platform"` // "linux/amd64"
}

func ownVersion() versions {
	v := versions{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		v.Version = cmp.Or(v.Version, "devel")
		return v
	}
	if m := info.Main.Version; m != "(devel)" {
		v.Version = cmp.Or(v.Version, m)
	}
	v.Version = cmp.Or(v.Version, "devel")
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

func versionCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "version",
		Short: "Show which dubbofn this is",
		Args:  cobra.NoArgs,
	}
	o := outputFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := o.check(); err != nil {
			return err
		}
		v := ownVersion()
		return o.show(c, v, func(t *terminal.Terminal) error {
			_, err := fmt.Fprintf(t, "dubbofn %s %s %s\n", v.Version, v.Go, v.Platform)
			return err
		})
	}
	return c
}

// release gives the version where others can fetch it: a release or a pseudo-version of committed sources, "" for what was built from a clone.
func (v versions) release() string {
	if v.Version == "devel" || v.Commit != "" || strings.Contains(v.Version, "+") {
		return ""
	}
	return v.Version
}
