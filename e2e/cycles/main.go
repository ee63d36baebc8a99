// Command cycles takes a function from zero to one and back many times under load, kills its processes at random, and then compares what
// its consumer was told with what the function's processes did.
//
//	cycles -cycles 1000 -dubbofn build/dubbofn -function build/counted -dir run/cycles [-registry nacos://… java … org.dubbofn.kit.Counted …]
//
// What follows the flags starts a Java consumer, which then makes half of the calls. Nobody's settings differ from the defaults.
//
// It exits with 0 when no call was answered wrongly, lost without an error in time, or run twice without being declared idempotent; when no call
// failed without a kill beside it; and when `dubbofn run` has no more descriptors, threads or children than after its first cycles.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/e2e/jvm"
	"github.com/dubbofn/dubbofn/registry/nacos"
)

func main() {
	var s settings
	flag.IntVar(&s.cycles, "cycles", 1000, "how often the function is to be started")
	flag.DurationVar(&s.limit, "limit", 20*time.Minute, "how long that may take")
	flag.DurationVar(&s.idle, "idle", 60*time.Millisecond, "how long after its last call the function ends")
	flag.IntVar(&s.kills, "kills", 25, "cycles in a hundred in which a process is killed")
	flag.BoolVar(&s.replicas, "replicas", false, "two activators, of which one after the other is told to end, or killed where there is no Java consumer, and started again")
	flag.StringVar(&s.dubbofn, "dubbofn", "dubbofn", "the command")
	flag.StringVar(&s.function, "function", "counted", "the function's program")
	flag.StringVar(&s.dir, "dir", "", "a folder for what is written")
	flag.StringVar(&s.registry, "registry", "", "where consumers look; default: an embedded registry in the folder")
	flag.Uint64Var(&s.seed, "seed", uint64(time.Now().UnixNano()), "of the random choices")
	flag.Parse()
	s.java = flag.Args()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ok, err := run(ctx, s)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cycles:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

type settings struct {
	cycles, kills          int
	replicas               bool
	limit, idle            time.Duration
	dubbofn, function, dir string
	registry               string
	java                   []string // a command; none: there is no Java consumer
	seed                   uint64
}

// javaTime is how long the Java consumer may take to tell of a call.
const javaTime = 2 * published

// warmup is how many cycles go by before the command's descriptors are counted for the first time.
const warmup = 10

func run(ctx context.Context, s settings) (ok bool, err error) {
	site, err := start(s)
	if err != nil {
		return false, err
	}
	defer site.end()
	cfg, err := client.FromEnvironment()
	if err != nil {
		return false, err
	}
	cfg.Registry, cfg.App = []string{site.registry}, "cycles"
	c, err := client.New(cfg, nacos.Registry)
	if err != nil {
		return false, err
	}
	defer func() { _ = c.Close() }()
	l := &load{site: site, random: rand.New(rand.NewPCG(s.seed, 1)), begin: time.Now()}
	if l.service, err = c.Reference(ctx, "org.example.CountedService"); err != nil {
		return false, err
	}
	if err := l.service.Bind(&l.counted); err != nil {
		return false, err
	}
	if len(s.java) > 0 {
		if l.java, err = jvm.StartCalls(ctx, s.java, site.out, "COUNTED-READY", func(string) {}); err != nil {
			return false, err
		}
		defer l.java.End()
	}
	var first, last usage
	for n := 0; site.starts() < s.cycles; n++ {
		if time.Since(l.begin) > s.limit {
			return false, fmt.Errorf("%d starts after %v, want %d", site.starts(), s.limit, s.cycles)
		}
		if err := errors.Join(site.gone(), ctx.Err()); err != nil {
			return false, err
		}
		var disturbed chan error
		if s.replicas && n%10 == 9 && site.replicas.due(l.java != nil) {
			disturbed = make(chan error, 1)
			// Java repeats a call whose connection is cut, whoever cuts it.
			go func() { disturbed <- site.disturb(n%20 == 9 && l.java == nil) }()
		}
		l.burst(l.random.IntN(100) < s.kills)
		if disturbed != nil {
			l.burst(false)
			if err := <-disturbed; err != nil {
				return false, err
			}
		}
		if n == warmup {
			first = site.settled()
		}
		if n%100 == 99 {
			fmt.Printf("%d starts, %d kills, %d calls after %.0f s\n", site.starts(), site.killed(), l.count(), time.Since(l.begin).Seconds())
		}
		time.Sleep(s.idle + time.Duration(l.random.IntN(50)-20)*time.Millisecond) // often just when it ends, or does not yet
	}
	last = site.settled()
	ran, err := site.executions()
	if err != nil {
		return false, err
	}
	return l.report(ran, first, last), nil
}

// load is the calls of all cycles.
type load struct {
	site    *site
	service *client.Service
	java    *jvm.Calls // nil: none
	random  *rand.Rand
	begin   time.Time
	counted struct {
		Add  func(ctx context.Context, id string, n int64, millis int32) (int64, error)
		Look func(ctx context.Context, id string, n int64) (int64, error)
	}

	mu    sync.Mutex
	calls []call
}

// call is one call as its consumer saw it.
type call struct {
	id, method string
	begin, end time.Time
	err        error
	wrong      bool
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.calls)
}

// burst makes some calls within some milliseconds, and may kill the process meanwhile; it returns when all are answered.
func (l *load) burst(kill bool) {
	var all sync.WaitGroup
	for i := range 1 + l.random.IntN(24) {
		after := time.Duration(l.random.IntN(40)) * time.Millisecond
		method, n, millis := []string{"add", "add", "add", "look", "note"}[l.random.IntN(5)], l.random.Int64N(1<<40), int32(l.random.IntN(30))
		by := "go"
		if l.java != nil && l.random.IntN(2) == 0 {
			by = "java"
		}
		id := fmt.Sprintf("%s-%s-%d-%d", by, method, l.count(), i)
		all.Go(func() {
			time.Sleep(after)
			l.call(by, id, method, n, millis)
		})
	}
	if kill {
		after := time.Duration(l.random.IntN(60)) * time.Millisecond
		all.Go(func() {
			time.Sleep(after)
			l.site.kill()
		})
	}
	all.Wait()
}

func (l *load) call(by, id, method string, n int64, millis int32) {
	c := call{id: id, method: method, begin: time.Now()}
	ctx := context.Background()
	var got int64
	want := map[string]int64{"add": 2*n + 1, "look": 3*n + 2}[method]
	switch {
	case by == "java":
		got, c.err = l.java.Call(id, fmt.Sprintf("%s %d %d", method, n, millis), javaTime)
	case method == "add":
		got, c.err = l.counted.Add(ctx, id, n, millis)
	case method == "look":
		got, c.err = l.counted.Look(ctx, id, n)
	case method == "note":
		c.err = l.service.OneWay(ctx, "note", id)
	}
	c.end = time.Now()
	c.wrong = c.err == nil && got != want
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, c)
}
