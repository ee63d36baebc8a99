// Command placed is a function whose effects can be counted: for each order it writes a line into the file PLACED_EFFECTS, then takes its time.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/cloudevent"
	"github.com/dubbofn/dubbofn/fn/cloudevent/kafka"
	"github.com/dubbofn/dubbofn/fn/cloudevent/nats"
	"github.com/dubbofn/dubbofn/fn/cloudevent/redis"
	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/fn/serve"
)

// Order is the data of an event.
type Order struct {
	ID  string
	Key string
	Seq int64
}

// took is how long an order takes once its effect is there: what is killed in this time has had an effect, and nobody knows.
const took = 15 * time.Millisecond

func main() {
	effects, err := os.OpenFile(os.Getenv("PLACED_EFFECTS"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		fmt.Fprintln(os.Stderr, "placed: PLACED_EFFECTS:", err)
		os.Exit(1)
	}
	place := func(ctx context.Context, o Order) error {
		if o.Key == "poison" {
			return errors.New("nobody can place this order")
		}
		if _, err := fmt.Fprintf(effects, "%s %s %d %d %d\n", o.ID, o.Key, o.Seq, os.Getpid(), time.Now().UnixNano()); err != nil {
			return err
		}
		select {
		case <-time.After(took):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	service := fn.NewService("org.example.OrderService", fn.Method("place", place), fn.OnEvent(event.Rule{
		On: event.Match{Type: "org.example.order.placed"}, Call: event.Target{Method: "place"},
	}))
	serve.Main(service, cloudevent.Events(nats.Source, kafka.Source, nats.Seen, redis.Seen))
}
