package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/registry/nacos"
	"github.com/dubbofn/dubbofn/registry/zookeeper"
)

// load calls echoInt at a steady rate, whatever comes of the calls, and tells what came of them: see [phases.report]. Where providers are,
// and how they are called, the environment says. It prints "LOAD-READY" after the first call.
//
// A line on standard input begins a phase of that name, and "end" ends the load, as -for does.
func load(args []string) int {
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	rate := flags.Int("rate", 1000, "calls begun in a second, 1 to 5000")
	limit := flags.Duration("for", 5*time.Minute, "how long at most, up to 20m")
	flight := flags.Int("flight", 500, "calls in flight at most; one more begins late, when there is room")
	name := flags.String("phase", "warm-up", "the name of the first phase")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *rate < 1 || *rate > 5000 || *limit <= 0 || *limit > 20*time.Minute || *flight < 1 {
		fmt.Fprintf(os.Stderr, "-rate=%d -for=%v -flight=%d: want 1 to 5000, up to 20m, 1 or more\n", *rate, *limit, *flight)
		return 2
	}
	if err := makeLoad(*name, *rate, *limit, *flight, os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func makeLoad(name string, rate int, limit time.Duration, flight int, marks io.Reader) (err error) {
	cfg, err := client.FromEnvironment()
	if err != nil {
		return err
	}
	c, err := client.New(cfg, nacos.Registry, zookeeper.Registry)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	p := &phases{out: os.Stdout}
	p.begin(name)
	s, err := c.Reference(context.Background(), typesInterface, client.Idempotent("echoInt"), client.OnTry(p.tried))
	if err != nil {
		return err
	}
	var f struct {
		EchoInt func(context.Context, int32) (int32, error)
	}
	if err := s.Bind(&f); err != nil {
		return err
	}
	if _, err := f.EchoInt(context.Background(), 0); err != nil {
		return err
	}
	fmt.Println("LOAD-READY")
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	go func() {
		for lines := bufio.NewScanner(marks); lines.Scan(); {
			if lines.Text() == "end" {
				cancel()
				return
			}
			p.begin(lines.Text())
		}
	}()
	drive(ctx, p, rate, flight, func(n int32) error {
		got, err := f.EchoInt(context.Background(), n)
		if err == nil && got != n {
			err = fmt.Errorf("sent %d, got %d", n, got)
		}
		return err
	})
	p.report()
	return nil
}

// drive begins calls until ctx ends, each at its time, or later where there is no room, and waits for them. How long a call takes counts
// from its time in any case.
func drive(ctx context.Context, p *phases, rate, flight int, call func(n int32) error) {
	room := make(chan struct{}, flight)
	gap, start := time.Second/time.Duration(rate), time.Now()
	for n := int32(0); ; n++ {
		due := start.Add(time.Duration(n) * gap)
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			for range flight { // each that ends leaves its place
				room <- struct{}{}
			}
			return
		}
		select {
		case room <- struct{}{}:
		default:
			p.current().waits()
			room <- struct{}{}
		}
		ph := p.current()
		go func() {
			err := call(n)
			ph.ended(time.Since(due), err)
			<-room
		}()
	}
}
