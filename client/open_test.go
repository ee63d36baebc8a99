package client_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/registry"
)

// silent is a registry that never answers whoever opens it.
type silent struct{}

func (silent) Name() string { return "silent" }

func (silent) Open(ctx context.Context, _ registry.Config) (registry.Registry, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestARegistryThatDoesNotAnswerHoldsNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, err := client.New(client.Config{App: "consumer", Registry: []string{"silent://a"}, Log: slog.New(slog.DiscardHandler)}, silent{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		waits := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := c.Reference(ctx, users)
				waits <- err
			}()
		}
		synctest.Wait()
		brief, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		begin := time.Now()
		if _, err := c.Reference(brief, users); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > time.Second {
			t.Errorf("who has a second waited %v: %v", time.Since(begin), err)
		}
		begin = time.Now()
		if _, err := c.Reference(t.Context(), users, client.URL("dubbo://127.0.0.1:1")); err != nil || time.Since(begin) > time.Second {
			t.Errorf("a reference without a registry took %v: %v", time.Since(begin), err)
		}
		begin = time.Now()
		if err := c.Close(); err != nil || time.Since(begin) > 10*time.Second {
			t.Errorf("closing took %v: %v", time.Since(begin), err)
		}
		for range 2 {
			if err := <-waits; !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v, want the end of its time", err)
			}
		}
	})
}
