// Command picture draws for docs/img, from what really ran and without a browser: panels of the Grafana dashboard from what it scrapes while it calls
// functions of `dubbofn run`, and the waterfall of a trace from the spans that SkyWalking's OAP server gives.
//
//	picture dashboard -log FILE -admin HOST:PORT -registry URL -o FILE.svg
//	picture trace -spans FILE.json -o FILE.svg
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("want dashboard or trace")
	}
	f := flag.NewFlagSet(args[0], flag.ContinueOnError)
	out := f.String("o", "", "the picture")
	var r recording
	f.StringVar(&r.log, "log", "", "what 'dubbofn run --verbose' prints: there functions tell where they are scraped")
	f.StringVar(&r.admin, "admin", "", "where its activator is scraped, HOST:PORT")
	f.StringVar(&r.registry, "registry", "", "where the functions are found")
	f.DurationVar(&r.lasts, "for", time.Minute, "how long functions are called")
	f.DurationVar(&r.every, "every", 500*time.Millisecond, "how often they are scraped")
	spans := f.String("spans", "", "a trace: the spans as queryTrace gives them, as a list")
	if err := f.Parse(args[1:]); err != nil {
		return err
	}
	var picture string
	var err error
	switch args[0] {
	case "dashboard":
		var s *series
		if s, err = r.record(ctx); err == nil {
			picture, err = dashboard(s)
		}
	case "trace":
		picture, err = traceFile(*spans)
	default:
		err = fmt.Errorf("%q is no picture: want dashboard or trace", args[0])
	}
	if err != nil {
		return err
	}
	return os.WriteFile(*out, []byte(picture), 0o644)
}
