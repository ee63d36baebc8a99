// Provider is the kit's TypesService and TokenService on plain Go functions: what the interop tests call.
//
//	-name NAME       what whoami answers with
//	-transport net   how TCP is spoken: net or getty
//
// Everything else comes from the environment, as for any function (docs/configuration.md). It prints "PROVIDER-READY NAME".
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
)

func main() {
	name := flag.String("name", "go", "the provider's name")
	transport := flag.String("transport", "net", "net or getty")
	tag := flag.String("tag", "", "the tag of this instance, as DUBBOFN_TAG")
	flag.Parse()
	if *tag != "" {
		if err := os.Setenv("DUBBOFN_TAG", *tag); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	parts := []serve.Part{
		nacos.Registry,
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
