// Command dubbofn is the provider that this repository makes: fn and fn/serve with their defaults, not registered anywhere.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/dubbofn/dubbofn/bench/service"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "dubbofn:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	web := flag.Int("http", 0, "the HTTP port; 0: any")
	most := flag.Int("max-calls", 0, "calls in flight, at most; 0: the default")
	more := flag.Int("services", 0, "numbered services beside the one")
	options, err := service.ParseOptions()
	if err != nil {
		return err
	}
	config, err := serve.FromEnvironment()
	if err != nil {
		return err
	}
	if os.Getenv("BENCH_DESCRIBE") != "" {
		return describe()
	}
	config.Bind, config.Port, config.HTTPPort, config.Register, config.LogLevel = "127.0.0.1", options.Port(), *web, "no", "error"
	config.DrainTimeout = 0
	if *most > 0 {
		config.MaxCalls = *most
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	waited := make(chan error, 1)
	go func() {
		defer cancel()
		waited <- service.Wait(ctx, options)
	}()
	err = serve.Run(ctx, config, parts(*more)...)
	cancel()
	return errors.Join(err, <-waited)
}

// describe prints the manifest.
func describe() error {
	set, err := fn.NewSet("bench", services(0)...)
	if err != nil {
		return err
	}
	text, err := set.Describe().JSON()
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(text)
	return err
}

// parts are the services, for serve.
func parts(more int) (all []serve.Part) {
	for _, s := range services(more) {
		all = append(all, s)
	}
	return all
}

// services are the one and so many numbered ones.
func services(more int) (all []*fn.Service) {
	all = append(all, bench(service.Interface))
	for i := range more {
		all = append(all, bench(service.Numbered(i)))
	}
	return all
}

func bench(name string) *fn.Service {
	var lists service.Lists
	return fn.NewService(name,
		fn.Method("echo", func(_ context.Context, text string) (string, error) { return text, nil }),
		fn.Method("user", func(_ context.Context, u *service.User) (*service.User, error) { return service.Next(u), nil }),
		fn.Method("users", func(_ context.Context, count int32) ([]*service.User, error) { return lists.Get(count), nil }),
		fn.Method("bytes", func(_ context.Context, data []byte) ([]byte, error) { return data, nil }),
	)
}
