// Command lane is what a call through the activator is compared with: as "server" it takes POSTs of a frame by net/http's HTTP/2, without TLS, decodes
// nothing and answers with a frame; as "client" it sends them. As "idle" it is many consumers that have called once and say nothing more.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/dubbofn/dubbofn/bench/load"
	"github.com/dubbofn/dubbofn/bench/service/measure"
)

// options are the flags of all three.
type options struct {
	address     string
	connections int
	token       string
	plan        measure.Plan
	testCase    load.Case
	request     []byte
	reply       []byte
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lane:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	role := map[string]func(context.Context, options) error{"server": serve, "client": call, "idle": idle}
	if len(os.Args) < 2 || role[os.Args[1]] == nil {
		return errors.New("want server, client or idle")
	}
	var o options
	f := flag.NewFlagSet("lane", flag.ExitOnError)
	f.StringVar(&o.address, "address", "", "where to listen, or whom to call")
	f.IntVar(&o.connections, "connections", 1, "of idle")
	f.StringVar(&o.plan.Case, "case", "user", "what the frames are of")
	f.IntVar(&o.plan.InFlight, "in-flight", 1, "of client")
	f.DurationVar(&o.plan.WarmUp, "warm-up", 0, "of client, not counted")
	f.DurationVar(&o.plan.Measure, "measure", 0, "of client, counted")
	f.StringVar(&o.token, "token", "", "of client, for a function's lane")
	f.IntVar(&o.plan.PID, "pid", 0, "of the server, for its CPU time")
	if err := f.Parse(os.Args[2:]); err != nil {
		return err
	}
	o.plan.MaxCalls, o.plan.CheckEvery = 1, 1 // time alone bounds it, and every answer is checked
	c, err := load.NewCase(o.plan.Case)
	if err != nil {
		return err
	}
	o.testCase = c
	var err2 error
	o.request, err = c.Request()
	o.reply, err2 = c.Reply()
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	return role[os.Args[1]](ctx, o)
}
