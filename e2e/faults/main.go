// Command faults breaks what functions that sleep depend on, one thing after the other, while consumers in Java 3.3.6, Java 2.7.23 and Go
// call them through two activators: an activator, the keeper, Nacos, the functions themselves, a consumer; and strangers knock everywhere.
// It counts at the functions what ran, by ids that the consumers make, and prints a table.
//
//	faults -dubbofn build/dubbofn -function build/faulty -dir run/faults -port 28880 -nacos 18848 [-only restarts,nacos] "java … OnDemand" "java … OnDemand"
//
// Nacos is faults.sh's: a line "NACOS kill" or "NACOS start" on standard output asks for it, a line on standard input says that it is done.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

type settings struct {
	dubbofn, function, dir string
	port, nacos            int
	sleepers               int
	only                   string
	java                   []string // commands, their words separated by blanks
}

func main() {
	var s settings
	flag.StringVar(&s.dubbofn, "dubbofn", "dubbofn", "the command")
	flag.StringVar(&s.function, "function", "faulty", "the functions' program")
	flag.StringVar(&s.dir, "dir", "", "a folder for what is written")
	flag.IntVar(&s.port, "port", 28880, "the first of ten ports")
	flag.IntVar(&s.nacos, "nacos", 18848, "Nacos' port")
	flag.IntVar(&s.sleepers, "sleepers", 100, "functions that only sleep")
	flag.StringVar(&s.only, "only", "", "of broken, sleeps, crowd, gone, strangers, roll-out, keeper, keeper-hangs, killed, restarts, nacos")
	list := flag.Bool("groups", false, "print the groups that consumers call, and end")
	flag.Parse()
	if *list {
		for _, g := range groups() {
			fmt.Println(g.name)
		}
		return
	}
	s.java = flag.Args()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ok, err := run(ctx, s)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// bench is all that takes part.
type bench struct {
	settings
	site      *site
	consumers []consumer
	java      []*javaConsumer
	in        *bufio.Reader

	mu   sync.Mutex
	rows []*row
}

func run(ctx context.Context, s settings) (ok bool, err error) {
	if s.dir, err = filepath.Abs(s.dir); err != nil {
		return false, err
	}
	b := &bench{settings: s, in: bufio.NewReader(os.Stdin)}
	if b.site, err = startSite(ctx, s); err != nil {
		return false, err
	}
	defer b.site.end()
	if err := b.consume(ctx); err != nil {
		return false, err
	}
	defer b.leave()
	begin := time.Now()
	for _, beside := range [][]string{{"broken", "sleeps"}, {"crowd", "gone"}, {"strangers", "roll-out"}, {"keeper"}, {"keeper-hangs"}, {"killed"}, {"restarts"}, {"nacos"}} {
		b.together(ctx, beside)
	}
	return b.report(time.Since(begin)), ctx.Err()
}

// consume starts the consumers, at the same time.
func (b *bench) consume(ctx context.Context) error {
	var faults []error
	var wg sync.WaitGroup
	b.java = make([]*javaConsumer, len(b.settings.java))
	for i, command := range b.settings.java {
		wg.Go(func() {
			j, err := startJava(ctx, strings.Fields(command), filepath.Join(b.dir, fmt.Sprintf("java-%d.err", i+1)))
			b.mu.Lock()
			defer b.mu.Unlock()
			faults = append(faults, err)
			b.java[i] = j
		})
	}
	g, err := startGo(ctx, b.site)
	wg.Wait()
	if err := errors.Join(append(faults, err)...); err != nil {
		return err
	}
	for _, j := range b.java {
		b.consumers = append(b.consumers, j)
	}
	b.consumers = append(b.consumers, g)
	for _, c := range b.consumers {
		if err := untilAnswered(c); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) leave() {
	for _, c := range b.consumers {
		c.end()
	}
}

// tell asks faults.sh to do something with Nacos, and waits until it is done.
func (b *bench) tell(what string) error {
	fmt.Println("NACOS", what)
	line, err := b.in.ReadString('\n')
	if err == nil && strings.TrimSpace(line) != "done" {
		err = fmt.Errorf("NACOS %s: %s", what, strings.TrimSpace(line))
	}
	return err
}

// together does those that are asked for, at the same time.
func (b *bench) together(ctx context.Context, names []string) {
	all := map[string]func(){
		"broken": b.broken, "sleeps": b.sleeps, "crowd": b.crowd, "gone": b.gone, "strangers": b.strangers, "roll-out": b.rollOut,
		"keeper": b.keeperKilled, "keeper-hangs": b.keeperHangs, "killed": b.killed, "restarts": b.restarts, "nacos": b.nacosDown,
	}
	var wg sync.WaitGroup
	for _, name := range names {
		if ctx.Err() == nil && (b.only == "" || slices.Contains(strings.Split(b.only, ","), name)) {
			wg.Go(all[name])
		}
	}
	wg.Wait()
}
