// Command functions is a function of functions-framework-go: HTTP, without Dubbo. It listens on $PORT.
package main

import (
	"fmt"
	"net/http"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
)

func main() {
	functions.HTTP("hello", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "Hello, Ada!") }) // the caller checks
	if err := os.Setenv("FUNCTION_TARGET", "hello"); err != nil {
		fmt.Fprintln(os.Stderr, "functions:", err)
		os.Exit(1)
	}
	if err := funcframework.StartHostPort("127.0.0.1", os.Getenv("PORT")); err != nil {
		fmt.Fprintln(os.Stderr, "functions:", err)
		os.Exit(1)
	}
}
