package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/invoker/cluster"
	"github.com/dubbofn/dubbofn/registry/nacos"
)

// start is how a process's first calls went.
type start struct {
	First float64 `json:"first_us"` // from the first line of main to the first reply
	Last  float64 `json:"last_us"`  // to the last of one call to each provider
	Warm  float64 `json:"warm_us"`  // a call after that, the middle of them
	Began int64   `json:"began"`    // when main began, Unix nanoseconds
}

// consume calls every provider once, all at the same time, as soon as it can (as the strategy broadcast does), then each once more, one after the other.
func consume(ctx context.Context, begun time.Time, args []string) (err error) {
	f := flag.NewFlagSet("consumer", flag.ExitOnError)
	targets := f.String("targets", "", "addresses, separated by commas")
	overTLS := f.Bool("tls", false, "speak TLS")
	ca := f.String("ca", "", "whose certificates are trusted")
	kept := f.String("keeper", "", "the keeper's address")
	bare := f.Bool("bare", false, "connections alone, without package client")
	registry := f.String("registry", "", "where the providers are found")
	snapshot := f.String("snapshot", "", "a file, begun with and left behind")
	if err := f.Parse(args); err != nil {
		return err
	}
	count := 1 + strings.Count(*targets, ",")
	if *bare {
		return connect(ctx, begun, strings.Split(*targets, ","), *overTLS, *ca, *kept)
	}
	cfg := client.Config{
		App: "bench", Registry: []string{*registry}, Migration: "FORCE_APPLICATION", Timeout: 10 * time.Second, Keeper: *kept, Token: token, Log: slog.New(slog.DiscardHandler),
	}
	app := appPlain
	if *overTLS {
		cfg.TLSCA, app = *ca, appTLS
	}
	c, err := client.New(cfg, nacos.Registry)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	options := []client.Option{client.ProvidedBy(app)}
	if *snapshot != "" {
		options = append(options, client.Background())
		if err := restore(c, *snapshot); err != nil {
			return err
		}
	}
	var mu sync.Mutex
	var took []time.Duration
	each, err := c.Reference(ctx, iface, append(options, client.Cluster("broadcast"), client.OnTry(func(cluster.Try) {
		at := time.Since(begun)
		mu.Lock()
		defer mu.Unlock()
		took = append(took, at)
	}))...)
	if err != nil {
		return err
	}
	if err := call(ctx, each, "first"); err != nil {
		return err
	}
	mu.Lock()
	first, last, tries := slices.Min(took), slices.Max(took), len(took)
	mu.Unlock()
	if tries != count {
		return fmt.Errorf("%d providers were called, want %d", tries, count)
	}
	one, err := c.Reference(ctx, iface, append(options, client.LoadBalance("roundrobin"))...)
	if err != nil {
		return err
	}
	warm := make([]time.Duration, tries)
	for i := range warm {
		at := time.Now()
		if err := call(ctx, one, "again"); err != nil {
			return err
		}
		warm[i] = time.Since(at)
	}
	if *snapshot != "" {
		if err := save(c, *snapshot); err != nil {
			return err
		}
	}
	slices.Sort(warm)
	us := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
	return say(start{First: us(first), Last: us(last), Warm: us(warm[len(warm)/2]), Began: begun.UnixNano()})
}

// restore hands the client what the last of these processes left, as fn/serve does.
func restore(c *client.Client, file string) error {
	s, err := cold.ReadSnapshot(file, "bench", time.Hour)
	if errors.Is(err, os.ErrNotExist) {
		return nil // the first
	}
	if err != nil {
		return err
	}
	c.Restore(s.Sections, cold.NewLedger("bench", "consumer"))
	return nil
}

func save(c *client.Client, file string) error {
	sections, _ := c.Save()
	return cold.Snapshot{Owner: "bench", Made: time.Now(), Sections: sections}.WriteFile(file)
}

func call(ctx context.Context, s *client.Service, text string) error {
	var got string
	if err := s.Call(ctx, "echo", &got, text); err != nil {
		return err
	}
	if got != text {
		return fmt.Errorf("echo of %q gave %q", text, got)
	}
	return nil
}
