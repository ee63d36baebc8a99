// Command shopper is two consumers that call the example functions as people would: in waves, with pauses in which functions fall asleep.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/dubbofn/dubbofn/client"
)

func main() {
	wave := flag.Duration("wave", 14*time.Second, "how long they call")
	pause := flag.Duration("pause", 8*time.Second, "how long they pause")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	w := waves{*wave, *pause, time.Now()}
	var all sync.WaitGroup
	faults := make(chan error, 2)
	all.Go(func() {
		faults <- w.call(ctx, "webshop", "org.example.GreetService", "hello", 35*time.Millisecond, func(i int) []any { return []any{fmt.Sprintf("customer %d", i)} })
	})
	all.Go(func() {
		faults <- w.call(ctx, "mailer", "org.example.BoardService", "welcome", 180*time.Millisecond, func(i int) []any { return []any{[]string{"Ada", fmt.Sprint("Grace ", i)}, "en"} })
	})
	all.Wait()
	if err := errors.Join(<-faults, <-faults); err != nil {
		log.Print(err)
	}
}

type waves struct {
	wave, pause time.Duration
	begin       time.Time
}

func (w waves) call(ctx context.Context, app, service, method string, every time.Duration, args func(int) []any) (err error) {
	cfg, err := client.FromEnvironment()
	if err != nil {
		return err
	}
	cfg.App = app
	c, err := client.New(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	s, err := c.Reference(ctx, service)
	if err != nil {
		return err
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := 0; ; i++ {
		at := time.Since(w.begin) % (w.wave + w.pause)
		if at < w.wave {
			go func() { // it doesn't wait for the one before
				var result any
				if err := s.Call(ctx, method, &result, args(i)...); err != nil && ctx.Err() == nil {
					log.Printf("%s: %v", app, err)
				}
			}()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
