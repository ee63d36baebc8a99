// Command load calls one provider and prints what came of it as JSON. The harness (cmd/bench) starts it, pinned to a core of its own.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/dubbofn/dubbofn/bench/load"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var p load.Plan
	flag.StringVar(&p.Address, "address", "", "the provider's loopback ip:port")
	flag.StringVar(&p.Case, "case", "user", "one of "+strings.Join(load.Names(), ", "))
	flag.IntVar(&p.Connections, "connections", 1, "connections")
	flag.IntVar(&p.Services, "services", 0, "services that are called in turn; 0: org.bench.BenchService alone")
	flag.IntVar(&p.InFlight, "in-flight", 64, "calls in flight over all connections")
	flag.DurationVar(&p.WarmUp, "warm-up", time.Second, "load that is not counted")
	flag.DurationVar(&p.Measure, "measure", 2*time.Second, "load that is counted")
	flag.IntVar(&p.MaxCalls, "max-calls", 100_000_000, "calls a connection makes at most")
	flag.IntVar(&p.CheckEvery, "check-every", 1024, "one reply in so many is decoded in full")
	flag.IntVar(&p.PID, "pid", 0, "the provider's process id, to read its CPU time")
	flag.Parse()
	outcome, err := load.Run(ctx, p)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(outcome)
}
