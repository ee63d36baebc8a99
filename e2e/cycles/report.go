package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dubbofn/dubbofn/e2e/jvm"
	"github.com/dubbofn/dubbofn/invoker"
)

// published is the deadline that the function's methods publish: every call is answered before it.
const published = 10 * time.Second

// report compares what the consumer was told with what ran, and tells whether all is well.
func (l *load) report(ran map[string]int, first, last usage) bool {
	var answered, failed, unsent int
	var faults []string
	var times []time.Duration
	fault := func(c call, what string) {
		faults = append(faults, fmt.Sprintf("%s: %s; it ran %d times; %v after %v", c.id, what, ran[c.id], c.err, c.end.Sub(c.begin).Round(time.Millisecond)))
	}
	for _, c := range l.calls {
		took, n := c.end.Sub(c.begin), ran[c.id]
		if n > 1 && c.method != "look" {
			fault(c, "doubled")
		}
		if c.method == "note" {
			if n == 0 {
				unsent++
				if !l.site.beside(c.begin, c.end.Add(time.Second)) {
					fault(c, "a one-way call was lost without a kill")
				}
			}
			continue
		}
		switch {
		case c.wrong:
			fault(c, "wrong")
		case c.err == nil && n == 0:
			fault(c, "answered, and never ran")
		case c.err == nil:
			answered++
			times = append(times, took)
		case lost(c.err) || took > published:
			fault(c, "lost without an error in time")
		case n > 0 && saysNotRun(c.err):
			fault(c, "the error says that it did not run")
		case !l.site.beside(c.begin, c.end):
			fault(c, "failed without a kill")
		default:
			failed++
		}
	}
	for i, f := range faults {
		if i < 20 {
			fmt.Println("FAULT", f)
		}
	}
	if last.descriptors > first.descriptors+8 || last.threads > first.threads+16 || last.children > 0 {
		faults = append(faults, "leak")
		fmt.Printf("FAULT a leak: %+v after %d cycles, %+v at the end\n", first, warmup, last)
	}
	slices.Sort(times)
	if len(times) > 0 {
		fmt.Printf("answered: p50 %v, p99 %v, max %v, wakes included\n", times[len(times)/2].Round(100*time.Microsecond), times[len(times)*99/100].Round(100*time.Microsecond), times[len(times)-1].Round(time.Millisecond))
	}
	if l.site.replicas != nil {
		fmt.Printf("%d times an activator was restarted\n", l.site.replicas.turn)
	} else {
		fmt.Printf("dubbofn run: %d descriptors and %d threads after %d bursts, %d and %d at the end\n", first.descriptors, first.threads, warmup, last.descriptors, last.threads)
	}
	fmt.Printf("%d starts, %d kills, %d calls: %d answered, %d failed with a clear error beside a kill, %d one-way calls went down with a process; %d faults\n",
		l.site.starts(), l.site.killed(), len(l.calls), answered, failed, unsent, len(faults))
	return len(faults) == 0
}

// lost tells that a consumer gave up waiting: what it got is no answer of anybody's.
func lost(err error) bool {
	var e *invoker.Error
	if errors.As(err, &e) {
		return e.Code == invoker.CodeTimeout && !e.Remote
	}
	var j jvm.Error
	return !errors.As(err, &j) || j.Silent()
}

// saysNotRun tells that an error promises that the method did not run. Java's errors promise nothing.
func saysNotRun(err error) bool {
	var e *invoker.Error
	return errors.As(err, &e) && !e.MaybeExecuted
}
