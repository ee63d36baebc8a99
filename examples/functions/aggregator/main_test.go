package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open begins one shop, a provider with a port of its own, and gives what ends it.
func open(t *testing.T, cfg serve.Config, n int, wait time.Duration) (end func()) {
	t.Helper()
	cfg.App = fmt.Sprintf("shop%02d", n)
	quote := func(ctx context.Context, _ string) (int64, error) {
		select {
		case <-time.After(wait):
			return int64(1000 - n), nil // the last one is the cheapest
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	ended, ready := make(chan error, 1), make(chan bool)
	go func() {
		ended <- serve.Run(ctx, cfg, fn.NewService("org.example.PriceService", fn.Group(fmt.Sprintf("shop-%02d", n)), fn.Method("quote", quote, fn.Idempotent)),
			serve.Hook(func(context.Context, serve.Addresses) { close(ready) }))
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("shop %d: %v", n, err)
	}
	return func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestEveryShopIsAskedAndLateOnesAreMissing(t *testing.T) {
	for name, value := range map[string]string{
		"DUBBOFN_REGISTRY": "embedded://" + filepath.Join(t.TempDir(), "registry"),
		"DUBBOFN_BIND":     "127.0.0.1", "DUBBOFN_HOST": "127.0.0.1", "DUBBOFN_PORT": "0", "PORT": "0", "DUBBOFN_DRAIN_QUIET": "1ms", "DUBBOFN_LOG_LEVEL": "error",
	} {
		t.Setenv(name, value)
	}
	cfg, err := serve.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	slog.SetLogLoggerLevel(slog.LevelError)
	var ends []func()
	for n := 1; n <= shops; n++ {
		wait := time.Duration(0)
		if n == 7 {
			wait = 3 * patience
		}
		ends = append(ends, open(t, cfg, n, wait))
	}
	defer func() {
		for _, end := range ends {
			end()
		}
	}()
	c, market, err := connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	var got *Offers
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) { // the references wait for nothing
		got, err = market.Best(t.Context(), "cup")
		if err == nil && len(got.Missing) == 1 || time.Now().After(deadline) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"shop-07"}, got.Missing); diff != "" {
		t.Errorf("missing:\n%s", diff)
	}
	if len(got.Offers) != shops-1 || got.Offers[0] != (Offer{Shop: "shop-32", Cents: 968}) {
		t.Errorf("%d offers, the first %v: want %d, the first shop-32's 968", len(got.Offers), got.Offers[0], shops-1)
	}
	ends[0]()
	ends[0] = func() {}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if got, err = market.Best(t.Context(), "cup"); err != nil {
			t.Fatal(err)
		}
		if cmp.Diff([]string{"shop-01", "shop-07"}, got.Missing) == "" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("missing are %v: want the one that ended and the slow one", got.Missing)
		}
	}
	if _, err := market.Best(t.Context(), ""); err == nil {
		t.Error("nothing to ask for is no error")
	}
}
