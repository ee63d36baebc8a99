// Order is a function that events call: an order that was placed is reserved at org.example.StockService, which a Java team runs, and becomes an event
// of its own. A Java consumer may call it too: it is one method.
//
//	package org.example;
//	public interface OrderService {
//	    Receipt place(Order order) throws SoldOutException;
//	}
//	public interface StockService {
//	    int reserve(String sku, int count); // how many are left; less than 0: not as many as that
//	}
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/cloudevent"
	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/registry/nacos"
)

// Order is org.example.Order{id, sku, count}, and the data of the event org.example.order.placed.
type Order struct {
	ID    string
	SKU   string
	Count int32
}

// Receipt is org.example.Receipt{order, left}, and the data of the event org.example.order.accepted.
type Receipt struct {
	Order string
	Left  int32
}

// SoldOutException is org.example.SoldOutException, and the event org.example.order.accepted.failed.
type SoldOutException struct{ SKU string }

func (e *SoldOutException) Error() string { return "sold out: " + e.SKU }

// Shop calls the stock; the client fills the field in.
type Shop struct {
	Reserve func(ctx context.Context, sku string, count int32) (int32, error)
}

// Place reserves what was ordered.
func (s *Shop) Place(ctx context.Context, o *Order) (*Receipt, error) {
	if o == nil || o.SKU == "" || o.Count < 1 {
		return nil, errors.New("order: want a sku and a count")
	}
	left, err := s.Reserve(ctx, o.SKU, o.Count)
	if err != nil {
		return nil, fmt.Errorf("order %s: %w", o.ID, err)
	}
	if left < 0 {
		return nil, &SoldOutException{SKU: o.SKU}
	}
	slog.InfoContext(ctx, "order placed", "order", o.ID, "left", left)
	return &Receipt{Order: o.ID, Left: left}, nil
}

// placed says which events are orders, and what becomes of the answer.
var placed = event.Rule{
	On:     event.Match{Type: "org.example.order.placed"},
	Call:   event.Target{Method: "place"},
	Reply:  &event.Reply{Type: "org.example.order.accepted"},
	Errors: map[string]string{"org.example.SoldOutException": event.Answer},
}

// connect fills in what the shop needs. It waits for nothing: the first call does, if the stock isn't there by then.
func connect(ctx context.Context, shop *Shop) (*client.Client, error) {
	cfg, err := client.FromEnvironment()
	if err != nil {
		return nil, err
	}
	c, err := client.New(cfg, nacos.Registry)
	if err != nil {
		return nil, err
	}
	stock, err := c.Reference(ctx, "org.example.StockService", client.Background())
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, stock.Bind(shop)
}

func main() {
	var shop Shop
	c, err := connect(context.Background(), &shop)
	if err != nil {
		fmt.Fprintln(os.Stderr, "order:", err)
		os.Exit(1)
	}
	serve.Main(nacos.Registry, c, cloudevent.Events(), fn.NewService("org.example.OrderService",
		fn.Method("place", shop.Place, fn.Throws[*SoldOutException]()), fn.OnEvent(placed)))
	_ = c.Close() // after the drain, when no call needs it any more
}
