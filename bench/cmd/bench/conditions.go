package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/bench/peer"
	"github.com/dubbofn/dubbofn/bench/report"
)

// conditions gathers what the figures depend on; what can't be found out is "unknown".
func conditions(ctx context.Context, m peer.Machine, s settings, peers []peer.Peer) report.Conditions {
	c := report.Conditions{
		Started:    time.Now().UTC().Format("2006-01-02 15:04 UTC"),
		CPU:        cpuModel(),
		Cores:      runtime.NumCPU(),
		Kernel:     firstLine(os.ReadFile("/proc/sys/kernel/osrelease")),
		Go:         runtime.Version(),
		Java:       javaVersion(ctx),
		Commit:     commit(ctx, m.Root),
		Pinning:    "not pinned",
		GOGC:       "at its default (100) for all Go peers",
		LoadBefore: loadAverage(),
		Method: fmt.Sprintf("%d interleaved rounds of %v, %v of load before each, %v (Java %v) before the first of a case; every answer checked, one in %d in full",
			s.rounds, s.measure, s.roundWarmUp, s.warmUp, s.javaWarmUp, s.checkEvery),
	}
	if m.Pinned {
		c.Pinning = fmt.Sprintf("pinned: provider on core %d, client on core %d", m.ProviderCore, m.ClientCore)
	}
	if m.GOGC != "" {
		c.GOGC = m.GOGC + " for all Go peers"
	}
	for _, p := range peers {
		c.Peers = append(c.Peers, p.Name+": "+p.About)
	}
	return c
}

func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func loadAverage() string {
	average, _, _ := strings.Cut(firstLine(os.ReadFile("/proc/loadavg")), " ")
	return average
}

func javaVersion(ctx context.Context) string {
	return firstLine(exec.CommandContext(ctx, "java", "-version").CombinedOutput())
}

func commit(ctx context.Context, root string) string {
	id := firstLine(exec.CommandContext(ctx, "git", "-C", root, "rev-parse", "--short", "HEAD").Output())
	if changed, err := exec.CommandContext(ctx, "git", "-C", root, "status", "--porcelain", "--untracked-files=no").Output(); err == nil && len(changed) > 0 {
		id += " with changes"
	}
	return id
}

func firstLine(text []byte, err error) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	if err != nil || line == "" {
		return "unknown"
	}
	return line
}
