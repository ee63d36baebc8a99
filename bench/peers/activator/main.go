// Command activator is the activator as `dubbofn activator` runs it, configured by the same environment. It prints where consumers connect, and
// after each line of its input what it holds, garbage collected; it ends with its input.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/dubbofn/dubbofn/bench/service"
	"github.com/dubbofn/dubbofn/bench/service/measure"
	"github.com/dubbofn/dubbofn/internal/daemon"
)

// held is what the process has.
type held struct {
	Address    string `json:"address,omitempty"` // in the first line
	Resident   int64  `json:"resident"`          // bytes
	Heap       uint64 `json:"heap"`              // bytes in use
	Stacks     uint64 `json:"stacks"`            // bytes
	Goroutines int    `json:"goroutines"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "activator:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	config, err := daemon.ActivatorFromEnvironment()
	if err != nil {
		return err
	}
	log := daemon.Logger(os.Stderr, config.LogLevel, config.LogFormat)
	front, err := config.Listen(log)
	if err != nil {
		return err
	}
	profiles := service.ServeProfiles(service.Options{Pprof: os.Getenv("BENCH_PPROF")})
	defer profiles.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- front.Run(ctx) }()
	said := json.NewEncoder(os.Stdout)
	if err := said.Encode(held{Address: front.Dubbo.String()}); err != nil {
		return err
	}
	asked := make(chan error, 1)
	go func() { asked <- answer(said) }()
	select {
	case err = <-asked:
	case <-ctx.Done():
	}
	cancel()
	return errors.Join(err, <-ended)
}

// answer tells after each line of the input what the process holds.
func answer(said *json.Encoder) error {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		h, err := now()
		if err != nil {
			return err
		}
		if err := said.Encode(h); err != nil {
			return err
		}
	}
	return in.Err()
}

func now() (h held, err error) {
	debug.FreeOSMemory()
	debug.FreeOSMemory() // what finalizers and pools let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	h.Heap, h.Stacks, h.Goroutines = m.HeapInuse, m.StackInuse, runtime.NumGoroutine()
	h.Resident, _, err = measure.Memory(os.Getpid())
	return h, err
}
