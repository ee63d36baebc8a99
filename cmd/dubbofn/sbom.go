package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/image"
)

func sbomCommand() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "sbom PROGRAM",
		Short: "List the modules that are linked into a Go program, as SPDX",
		Long: `List the modules that are linked into a Go program of any system, with their versions and Go's own, as SPDX 2.3 in JSON. The program says it itself:
it needs no sources, and it is not run. 'dubbofn build' puts the same beside every image. SOURCE_DATE_EPOCH sets the time in it.`,
		Example: `  dubbofn sbom ./greet > greet.spdx.json
  dubbofn sbom "$(command -v dubbofn)"`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("sbom needs one PROGRAM; got %d", len(args))
			}
			return nil
		},
	}
	c.Flags().StringVar(&name, "name", "", "what the program is called in it (default: the file's name)")
	c.RunE = func(c *cobra.Command, args []string) error {
		created, err := sourceDate(environment())
		if err != nil {
			return err
		}
		if name == "" {
			name = filepath.Base(args[0])
		}
		text, err := image.SBOM(args[0], name, created)
		if err != nil {
			return fmt.Errorf("sbom: %w", err)
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n", text)
		return err
	}
	return c
}
