// Imported offers what import.sh made of the kit's jar, filled in: the kit's services, for Java consumers to call. Everything but the flags comes from
// the environment, as for any function.
package main

import (
	"context"
	"flag"
	"fmt"

	"github.com/dubbofn/dubbofn/e2e/imported/kit"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/registry/nacos"
)

// main serves until it is told to end. It prints "PROVIDER-READY NAME".
func main() {
	name := flag.String("name", "go", "the provider's name, which whoami answers with")
	flag.Parse()
	serve.Main(
		nacos.Registry,
		kit.NewTypesService(&kit.TypesServiceHandler{Name: *name}),
		kit.NewTypesService(&kit.TypesServiceHandler{Name: *name + "/g1"}, fn.Group("g1"), fn.Version("2.0.0")),
		kit.NewTokenService(&kit.TokenServiceHandler{}, fn.Token("s3cret")),
		kit.NewRowsService(&kit.RowsServiceHandler{}),
		serve.Hook(func(context.Context, serve.Addresses) { fmt.Println("PROVIDER-READY", *name) }),
	)
}
