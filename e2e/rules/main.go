// Rules writes governance rules as an operator does, through the registry's own API, while a Go consumer and a Java one call the
// same Java providers, and says what each of the two makes of them, and how soon.
//
//	rules -registry URL -- java … Ask …    the command that starts the Java consumer
//
// The providers are of application "shop": a (zone=hz), b (tag gray), c (zone=bj). It prints a line for each expectation, and
// "N passed, M failed" at the end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/e2e/operator"
	"github.com/dubbofn/dubbofn/registry/nacos"
	"github.com/dubbofn/dubbofn/registry/zookeeper"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() (err error) {
	at := flag.String("registry", "", "nacos://127.0.0.1:PORT or zookeeper://127.0.0.1:PORT")
	flag.Parse()
	if flag.NArg() == 0 {
		return errors.New("want the Java consumer's command after --")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	write, err := operator.Writer(*at)
	if err != nil {
		return err
	}
	java, err := startJava(ctx, flag.Args())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, java.close()) }()
	c, err := client.New(client.Config{App: "orders", Registry: []string{*at}, Migration: "FORCE_APPLICATION", Log: slog.New(slog.NewTextHandler(os.Stderr, nil))},
		nacos.Registry, zookeeper.Registry)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	service, err := c.Reference(ctx, typesInterface)
	if err != nil {
		return err
	}
	b := &bench{ctx: ctx, write: write, consumers: []consumer{&goConsumer{ctx: ctx, service: service}, java}}
	for _, s := range steps() {
		if err := b.step(s); err != nil {
			return err
		}
	}
	fmt.Printf("%d passed, %d failed\n", b.passed, b.failed)
	if b.failed > 0 {
		return fmt.Errorf("%d expectations failed", b.failed)
	}
	return nil
}

// consumer is asked; it answers as the kit's Ask does.
type consumer interface {
	name() string
	ask(line string) (string, error)
}

// bench runs the steps.
type bench struct {
	ctx            context.Context
	write          func(ctx context.Context, group, key, doc string) error
	consumers      []consumer
	passed, failed int
}

// patience is how long a rule may take to be obeyed.
const patience = 20 * time.Second

// step writes a rule and waits until each consumer answers as it must.
func (b *bench) step(s step) error {
	if s.key != "" {
		if err := b.write(b.ctx, "dubbo", s.key, s.doc); err != nil {
			return fmt.Errorf("%s: writing %s: %w", s.title, s.key, err)
		}
	}
	begin := time.Now()
	if s.hold > 0 { // nothing is to change
		time.Sleep(s.hold)
	}
	for _, c := range b.consumers {
		if s.goOnly && c.name() != "Go" {
			continue
		}
		for i, e := range s.expect {
			var last string
			var err error
			good := false
			for !good {
				if last, err = c.ask(e.ask); err != nil {
					return fmt.Errorf("%s: %s: %w", s.title, c.name(), err)
				}
				good = e.good(last)
				if time.Since(begin) > patience {
					break
				}
			}
			if !good {
				b.failed++
				fmt.Printf("CASE %s, %s: FAIL %s gives %q, want %s\n", s.title, c.name(), e.ask, last, e.want)
				continue
			}
			b.passed++
			if i == 0 { // the rest is asked once the rule holds
				fmt.Printf("CASE %-58s %-5s PASS after %d ms\n", s.title, c.name(), time.Since(begin).Milliseconds())
			}
		}
	}
	return nil
}
