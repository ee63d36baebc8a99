// Command stock is the provider that the example order calls: org.example.StockService.reserve has 100 of everything.
package main

import (
	"context"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/registry/nacos"
)

const stocked = 100

func main() {
	serve.Main(nacos.Registry, fn.NewService("org.example.StockService", fn.Method("reserve", reserve)))
}

func reserve(_ context.Context, _ string, count int32) (int32, error) { return stocked - count, nil }
