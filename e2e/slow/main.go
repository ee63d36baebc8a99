// Command slow is a function that takes its time: org.fixture.dubbo.PingService.ping takes SLOW (100ms) and answers with its argument, an
// @ and the name of the pod. With MORE=1 it offers a second method, as a later version of it would. BREAK=crash ends it when it starts, BREAK=hang
// keeps it from ever getting ready; it can be described all the same.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
)

func main() {
	if os.Getenv("DUBBOFN_DESCRIBE") == "" {
		switch os.Getenv("BREAK") {
		case "crash":
			fmt.Fprintln(os.Stderr, "slow: BREAK=crash")
			os.Exit(3)
		case "hang":
			time.Sleep(time.Hour)
		}
	}
	pause, err := time.ParseDuration(or(os.Getenv("SLOW"), "100ms"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "slow: SLOW:", err)
		os.Exit(2)
	}
	pod := or(os.Getenv("HOSTNAME"), "slow")
	ping := func(ctx context.Context, text string) (string, error) {
		select {
		case <-time.After(pause):
			return text + "@" + pod, nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	methods := []fn.Option{fn.Method("ping", ping)}
	if os.Getenv("MORE") == "1" {
		methods = append(methods, fn.Method("pong", ping))
	}
	serve.Main(fn.NewService("org.fixture.dubbo.PingService", methods...))
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
