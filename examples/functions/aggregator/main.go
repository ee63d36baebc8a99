// Aggregator is a function that asks many others at once: what a thing costs in each of 32 shops, and answers with what came in time.
//
//	package org.example;
//	public interface OfferService {
//	    Offers best(String sku);
//	}
//	public interface PriceService {   // what each shop offers, in a group of its own: shop-01/org.example.PriceService
//	    long quote(String sku);       // cents
//	}
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/registry/nacos"
)

// Offer is org.example.Offer{shop, cents}.
type Offer struct {
	Shop  string
	Cents int64
}

// Offers is org.example.Offers{offers, missing}: the cheapest first, and the shops that did not answer.
type Offers struct {
	Offers  []Offer
	Missing []string
}

// shops is how many are asked.
const shops = 32

// patience is how long a shop may take, of the time that the caller has.
const patience = 500 * time.Millisecond

// Prices is what a shop is asked; the client fills the field in.
type Prices struct {
	Quote func(ctx context.Context, sku string) (int64, error)
}

type shop struct {
	name   string
	prices Prices
}

// Market is all of them.
type Market struct{ shops []*shop }

// Best asks every shop at once. A shop that fails or is late is missing in the answer, and spoils it for nobody; that all are is an error.
func (m *Market) Best(ctx context.Context, sku string) (*Offers, error) {
	if sku == "" {
		return nil, errors.New("best: want a sku")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	offers, faults := make([]Offer, len(m.shops)), make([]error, len(m.shops))
	var asked sync.WaitGroup
	for i, s := range m.shops {
		asked.Go(func() {
			offers[i].Shop = s.name
			offers[i].Cents, faults[i] = s.prices.Quote(ctx, sku)
		})
	}
	asked.Wait()
	all := &Offers{Missing: []string{}}
	for i, o := range offers {
		if faults[i] != nil {
			all.Missing = append(all.Missing, o.Shop)
			continue
		}
		all.Offers = append(all.Offers, o)
	}
	if len(all.Offers) == 0 {
		return nil, fmt.Errorf("best: no shop answered: %w", faults[0])
	}
	slices.SortFunc(all.Offers, func(a, b Offer) int {
		return cmp.Or(cmp.Compare(a.Cents, b.Cents), cmp.Compare(a.Shop, b.Shop))
	})
	return all, nil
}

// connect makes a reference to each shop. It waits for none.
func connect(ctx context.Context) (*client.Client, *Market, error) {
	cfg, err := client.FromEnvironment()
	if err != nil {
		return nil, nil, err
	}
	c, err := client.New(cfg, nacos.Registry)
	if err != nil {
		return nil, nil, err
	}
	m := &Market{}
	for n := range shops {
		s := &shop{name: fmt.Sprintf("shop-%02d", n+1)}
		ref, err := c.Reference(ctx, "org.example.PriceService", client.Group(s.name), client.Background(), client.Idempotent("quote"))
		if err == nil {
			err = ref.Bind(&s.prices)
		}
		if err != nil {
			return nil, nil, errors.Join(err, c.Close())
		}
		m.shops = append(m.shops, s)
	}
	return c, m, nil
}

func main() {
	c, market, err := connect(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "aggregator:", err)
		os.Exit(1)
	}
	serve.Main(nacos.Registry, c, fn.NewService("org.example.OfferService", fn.Method("best", market.Best, fn.Idempotent)))
	_ = c.Close() // after the drain, when no call needs it any more
}
