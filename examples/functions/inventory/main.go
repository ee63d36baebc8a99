// Inventory is a function with state: what is in stock is in Redis, and the connections to it are open before the first call of every wake.
//
//	package org.example;
//	public interface InventoryService {
//	    int stock(String sku);
//	    int add(String sku, int count);
//	    int take(String sku, int count) throws SoldOutException;   // how many are left
//	}
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/registry/nacos"
)

// SoldOutException is org.example.SoldOutException{sku}.
type SoldOutException struct{ SKU string }

func (e *SoldOutException) Error() string { return "sold out: " + e.SKU }

// Inventory counts in Redis, at "stock:SKU".
type Inventory struct {
	db redis.Scripter
	kv redis.Cmdable
}

// take counts down where there are as many, in one step: several processes may do it at once. It gives -1 where there are not.
var take = redis.NewScript(`
local left = tonumber(redis.call('GET', KEYS[1]) or '0')
if left < tonumber(ARGV[1]) then return -1 end
return redis.call('DECRBY', KEYS[1], ARGV[1])`)

// Stock tells how many there are.
func (i *Inventory) Stock(ctx context.Context, sku string) (int32, error) {
	n, err := i.kv.Get(ctx, key(sku)).Int()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	return int32(n), err
}

// maxStock keeps the numbers within Java's int.
const maxStock = 1_000_000_000

// Add puts more there, and gives how many there are now.
func (i *Inventory) Add(ctx context.Context, sku string, count int32) (int32, error) {
	if sku == "" || count < 1 || count > maxStock {
		return 0, fmt.Errorf("add: %d of %q: want a sku, and a count from 1 to %d", count, sku, maxStock)
	}
	n, err := i.kv.IncrBy(ctx, key(sku), int64(count)).Result()
	if err == nil && n > maxStock {
		_, err = i.kv.DecrBy(ctx, key(sku), int64(count)).Result()
		return 0, errors.Join(fmt.Errorf("add: there would be more than %d of %q", maxStock, sku), err)
	}
	return int32(n), err
}

// Take takes as many away, or nothing where there are not so many.
func (i *Inventory) Take(ctx context.Context, sku string, count int32) (int32, error) {
	if sku == "" || count < 1 {
		return 0, fmt.Errorf("take: %d of %q: want a sku, and a count of 1 or more", count, sku)
	}
	left, err := take.Run(ctx, i.db, []string{key(sku)}, count).Int()
	if err == nil && left < 0 {
		return 0, &SoldOutException{SKU: sku}
	}
	return int32(left), err
}

func key(sku string) string { return "stock:" + sku }

func main() {
	at := strings.TrimSpace(os.Getenv("INVENTORY_REDIS"))
	if at == "" {
		at = "redis://127.0.0.1:6379"
	}
	pool, err := open(at)
	if err != nil {
		fmt.Fprintln(os.Stderr, "inventory: INVENTORY_REDIS:", err)
		os.Exit(1)
	}
	i := &Inventory{db: pool.db, kv: pool.db}
	serve.Main(nacos.Registry, pool, fn.NewService("org.example.InventoryService",
		fn.Method("stock", i.Stock, fn.Idempotent),
		fn.Method("add", i.Add),
		fn.Method("take", i.Take, fn.Throws[*SoldOutException]()),
	))
	_ = pool.db.Close() // after the drain, when no call needs it any more
}
