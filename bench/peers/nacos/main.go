// Command nacos is the example greet with Nacos and SkyWalking linked in: what a function adds that Java is to find, and that traces tell of.
package main

import (
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/registry/nacos"
	"github.com/dubbofn/dubbofn/tracing/skywalking"
)

// Hello greets by name.
func Hello(name string) (string, error) { return "Hello, " + name + "!", nil }

func main() {
	serve.Main(nacos.Registry, skywalking.Tracer, fn.NewService("org.example.GreetService", fn.Method("hello", Hello, fn.Idempotent)))
}
