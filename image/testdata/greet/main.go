// Greet is a function with all that functions in a cluster usually link: Nacos, and spans for SkyWalking. The test looks how large its image is.
package main

import (
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/registry/nacos"
	"github.com/dubbofn/dubbofn/tracing/skywalking"
)

func main() {
	serve.Main(fn.NewService("org.example.GreetService", fn.Method("hello", func(name string) (string, error) { return "Hello, " + name + "!", nil })),
		nacos.Registry, skywalking.Tracer)
}
