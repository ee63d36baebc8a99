// Command doctor plants faults between a consumer and a function behind an activator, one after the other, has `dubbofn doctor` find each, runs the
// command that it prints, and looks whether it then finds nothing more.
//
//	doctor -dubbofn build/dubbofn -function build/shop -dir run/doctor -nacos 127.0.0.1:18848 -secured 127.0.0.1:18948 [-only mapping,group]
//
// It exits with 0 when each was found under its own name, mended by what was printed, and gone.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	var s settings
	var only string
	flag.StringVar(&s.dubbofn, "dubbofn", "dubbofn", "the command")
	flag.StringVar(&s.function, "function", "shop", "the function's program")
	flag.StringVar(&s.dir, "dir", "", "a folder for what is written")
	flag.StringVar(&s.nacos, "nacos", "127.0.0.1:18848", "a Nacos")
	flag.StringVar(&s.secured, "secured", "", "a Nacos that wants user and password nacos; none: that fault is left out")
	flag.IntVar(&s.port, "port", 28880, "the first of eight ports")
	flag.StringVar(&only, "only", "", "these faults alone, separated by commas")
	flag.Parse()
	if only != "" {
		s.only = strings.Split(only, ",")
	}
	runtime.LockOSThread() // what is started ends with the thread that started it
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ok := run(ctx, s)
	stop()
	if !ok {
		os.Exit(1)
	}
}

type settings struct {
	dubbofn, function, dir, nacos, secured string
	port                                   int
	only                                   []string
}

// row is a line of the table.
type row struct {
	fault, found, mend, after string
	ok                        bool
	took                      time.Duration
}

func run(ctx context.Context, s settings) bool {
	all := faults()
	for _, name := range s.only {
		if !slices.ContainsFunc(all, func(f fault) bool { return f.name == name }) {
			fmt.Fprintf(os.Stderr, "doctor: there is no fault %q\n", name)
			return false
		}
	}
	var rows []row
	for _, f := range all {
		if len(s.only) > 0 && !slices.Contains(s.only, f.name) || f.secured && s.secured == "" {
			continue
		}
		if ctx.Err() != nil {
			return false
		}
		begin := time.Now()
		x, err := newSite(s, f)
		r := row{fault: f.title}
		if err == nil {
			err = x.play(ctx, &r)
		}
		x.end()
		r.took, r.ok = time.Since(begin), err == nil
		if err != nil {
			r.after = "FAILED: " + err.Error()
		}
		rows = append(rows, r)
		fmt.Printf("%-28s %s\n", f.title, map[bool]string{true: "ok", false: r.after}[r.ok])
	}
	return report(rows)
}

func report(rows []row) bool {
	good, planted := 0, 0
	fmt.Printf("\n%-28s  %s\n", "fault", "found as, mended by, after")
	for _, r := range rows {
		fmt.Printf("%-28s  %s\n", r.fault, r.found)
		if r.mend != "" {
			fmt.Printf("%28s  $ %s\n", "", r.mend)
		}
		fmt.Printf("%28s  %s, %.1f s\n", "", r.after, r.took.Seconds())
		if r.mend != "" || !r.ok {
			planted++
		}
		if r.ok {
			good++
		}
	}
	fmt.Printf("\n%d faults planted; %d of %d sites as they must be: each fault found, named, mended by the printed command and gone\n", planted, good, len(rows))
	return good == len(rows) && good > 0
}
