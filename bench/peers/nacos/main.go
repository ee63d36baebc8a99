// Command nacos is the example greet with the adapter for Nacos linked in: what a function adds that Java is to find.
package main

import (
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/registry/nacos"
)

// Hello greets by name.
func Hello(name string) (string, error) { return "Hello, " + name + "!", nil }

func main() {
	serve.Main(nacos.Registry, fn.NewService("org.example.GreetService", fn.Method("hello", Hello, fn.Idempotent)))
}
