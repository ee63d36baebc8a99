package main

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/dubbofn/dubbofn/cold"
)

// connections is how many are opened before the first call.
const connections = 4

// target is what a process that ends asks the next one to have warm.
const target = "redis"

// pool is the connections to Redis as a part of the function (serve.Outbound): a process that used them has the next one open them while it
// starts, all at once, so that the first call of a wake finds them there. DUBBOFN_WARM=redis asks for it in the very first process too; with
// DUBBOFN_WARM=redis! a function is not ready without Redis.
type pool struct{ db *redis.Client }

func open(url string) (*pool, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	o.MinIdleConns = connections // also while it runs: those that break are replaced before a call needs them
	o.ContextTimeoutEnabled = true
	return &pool{db: redis.NewClient(o)}, nil
}

// Name gives "redis".
func (p *pool) Name() string { return target }

// Restore has nothing to take over: connections don't outlive a process.
func (p *pool) Restore(map[string][]byte, *cold.Ledger) {}

// Save asks for the connections.
func (p *pool) Save() (sections map[string][]byte, used []string) { return nil, []string{target} }

// Warm opens them, and waits for the first that works.
func (p *pool) Warm(ctx context.Context, name string) error {
	if name != target {
		return errors.New("this part knows redis only")
	}
	opened := make(chan error, connections)
	for range connections {
		go func() {
			c := p.db.Conn()
			opened <- errors.Join(c.Ping(ctx).Err(), c.Close()) // Close gives it to the pool
		}()
	}
	var err error
	for range connections {
		if err = <-opened; err == nil {
			return nil
		}
	}
	return err
}
