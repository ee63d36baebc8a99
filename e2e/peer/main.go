// Peer is the Go side of the interop tests.
//
//	peer provider    the kit's services on plain Go functions, for Java consumers to call
//	peer relay       a function that calls on: what of a call's context arrives at the next provider
//	peer consumer    the kit's cases as calls of a provider, Java's or ours
//	peer load        calls at a steady rate, for chaos.sh: what came of them, and of each try
//	peer certs       certificates for trust.sh
//
// Everything else comes from flags (-h) and from the environment, as for any function or client (docs/configuration.md).
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/invoker/dubbo/getty"
	"github.com/dubbofn/dubbofn/registry/nacos"
	"github.com/dubbofn/dubbofn/registry/zookeeper"
)

func main() {
	if len(os.Args) > 1 {
		switch args := os.Args[2:]; os.Args[1] {
		case "provider":
			provide(args)
			return
		case "relay":
			relayMain(args)
			return
		case "consumer":
			os.Exit(consume(args))
		case "load":
			os.Exit(load(args))
		case "certs":
			os.Exit(certs(args))
		}
	}
	fmt.Fprintln(os.Stderr, "want: peer provider|relay|consumer|load|certs [flags]")
	os.Exit(2)
}

// provide serves until it is told to end. It prints "PROVIDER-READY NAME".
func provide(args []string) {
	flags := flag.NewFlagSet("provider", flag.ExitOnError)
	name := flags.String("name", "go", "the provider's name, which whoami answers with")
	transport := flags.String("transport", "net", "how TCP is spoken: net or getty")
	tag := flags.String("tag", "", "the tag of this instance, as DUBBOFN_TAG")
	if err := flags.Parse(args); err != nil {
		os.Exit(2)
	}
	if *tag != "" {
		if err := os.Setenv("DUBBOFN_TAG", *tag); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	parts := []serve.Part{
		nacos.Registry, zookeeper.Registry,
		typesService(*name),
		typesService(*name+"/g1", fn.Group("g1"), fn.Version("2.0.0")),
		tokenService(),
		rowsService(),
		serve.Hook(func(context.Context, serve.Addresses) { fmt.Println("PROVIDER-READY", *name) }),
	}
	switch *transport {
	case "net":
	case "getty":
		parts = append(parts, getty.TCP)
	default:
		fmt.Fprintf(os.Stderr, "-transport=%q: want net or getty\n", *transport)
		os.Exit(2)
	}
	serve.Main(parts...)
}

func tokenService() *fn.Service {
	return fn.NewService("org.fixture.dubbo.TokenService", fn.Token("s3cret"),
		fn.Method("hello", func(name string) (string, error) { return "hello " + name, nil }))
}
