package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/dubbofn/dubbofn/bench/peer"
)

// codecLines is the file with what was measured of the codecs, in the format of Go's benchmarks.
func codecLines(m peer.Machine) string { return filepath.Join(m.Root, "out", "codec.txt") }

// asBenchmarks gives the lines of the Java program as go test would print them.
func asBenchmarks(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 3 {
			operation, value, _ := strings.Cut(f[0], "/")
			fmt.Fprintf(&b, "Benchmark%s/value=%s/codec=hessian-lite 1 %s ns/op %s wire-B\n", strings.ToUpper(operation[:1])+operation[1:], value, f[1], f[2])
		}
	}
	return b.String()
}

// benchstat prints what golang.org/x/perf makes of them: medians with their confidence, and whether what differs from ours is noise. It wants six rounds.
func benchstat(ctx context.Context, m peer.Machine) error {
	lines, err := filepath.Abs(codecLines(m))
	if err != nil {
		return fmt.Errorf("benchstat: %w", err)
	}
	cmd := exec.CommandContext(ctx, "go", "tool", "benchstat", "-col", "/codec", "-row", ".name,/value", lines)
	cmd.Dir, cmd.Stdout, cmd.Stderr = m.Root, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("benchstat: %w", err)
	}
	return nil
}
