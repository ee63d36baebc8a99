// Tool links package serve and is no function.
package main

import (
	"fmt"

	"github.com/dubbofn/dubbofn/fn/serve"
)

func main() { fmt.Println(serve.FromEnvironment()) }
