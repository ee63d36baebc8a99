// Command warm is what `bench -warm` starts: as "providers" it serves at many addresses, plain and over TLS; as "keeper" it keeps connections to them; as
// "consumer" it is a process that has just begun, calls each of them once, prints how long that took, and ends.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	begun := time.Now() // what a consumer's times count from
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	role := map[string]func(context.Context, time.Time, []string) error{"providers": provide, "keeper": keep, "consumer": consume}
	var err error
	if len(os.Args) < 2 || role[os.Args[1]] == nil {
		err = fmt.Errorf("%q: want providers, keeper or consumer", os.Args[1:])
	} else {
		err = role[os.Args[1]](ctx, begun, os.Args[2:])
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "warm:", err)
		os.Exit(1)
	}
}

// say prints a value as a line of JSON.
func say(v any) error { return json.NewEncoder(os.Stdout).Encode(v) }

// lines gives what is written to standard input, and ends with it: whoever started this process is gone then.
func lines(ctx context.Context) <-chan string {
	all := make(chan string)
	go func() {
		defer close(all)
		in := bufio.NewScanner(os.Stdin)
		for in.Scan() {
			select {
			case all <- in.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return all
}
