// Command first starts a program, calls it as soon as it listens, ends it, and prints how long the first reply took and the CPU time
// that this cost, in µs. The harness (cmd/bench)
// starts it, pinned to a core of its own.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/dubbofn/dubbofn/bench/load"
	"github.com/dubbofn/dubbofn/bench/start"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "first:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	address := flag.String("address", "", "where the program will listen")
	core := flag.Int("core", -1, "the program's; negative: any")
	iface := flag.String("interface", "", "the Dubbo service to call; none: GET / is the call")
	method := flag.String("method", "", "its method, of a String")
	pause := flag.Duration("pause", 0, "between two attempts to connect; 0 needs a core of its own")
	flag.Parse()
	if flag.NArg() == 0 {
		return fmt.Errorf("start a program: none is named behind the flags")
	}
	c := start.Call{Address: *address, Request: []byte("GET / HTTP/1.1\r\nHost: bench\r\n\r\n"), Check: start.HTTP, Pause: *pause}
	if *iface != "" {
		frame, err := load.Request(*iface, *method, "Ljava/lang/String;", "Ada")
		if err != nil {
			return err
		}
		c.Request, c.Check = frame, start.Dubbo
	}
	took, cpu, err := start.First(ctx, exec.Command(flag.Arg(0), flag.Args()[1:]...), *core, c)
	if err != nil {
		return err
	}
	fmt.Println(float64(took.Nanoseconds())/1000, float64(cpu.Nanoseconds())/1000)
	return nil
}
