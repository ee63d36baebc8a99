// Shop is a function for a picture of its metrics: quick calls, slow ones, and some that fail.
package main

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/metrics"
)

// price is what a method takes that looks something up in memory.
func price(sku string) (int64, error) { return int64(len(sku)) * 100, nil }

var errSoldOut = errors.New("sold out")

// order is what one takes that writes to a database: 2 ms and a tail. One of 50 is sold out.
func order(ctx context.Context, sku string) (string, error) {
	select {
	case <-time.After(2*time.Millisecond + time.Duration(rand.ExpFloat64()*float64(3*time.Millisecond))):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if rand.IntN(50) == 0 {
		slog.InfoContext(ctx, "sold out", "sku", sku)
		return "", errSoldOut
	}
	return "ordered " + sku, nil
}

func main() {
	serve.Main(fn.NewService("org.example.ShopService", fn.Method("price", price), fn.Method("order", order)), metrics.Prometheus)
}
