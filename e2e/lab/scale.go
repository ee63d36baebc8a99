package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// second is what all consumers' calls came to in one second of the test.
type second struct {
	ok, failed, slowest int
	by                  map[string]int // pod → calls that it answered
}

type scale struct {
	*settings
	pods      *pods
	consumers []*consumer
	start     time.Time

	mu       sync.Mutex
	current  second
	sum      second
	failures map[string]int
	last     map[string]time.Time // pod → its last answer
}

// How soon there must be enough pods, and few enough.
const (
	growWithin   = 60 * time.Second
	shrinkWithin = 90 * time.Second
)

func measureScale(ctx context.Context, s *settings) error {
	x, end, err := newScale(ctx, s)
	if err != nil {
		return err
	}
	defer end()
	fmt.Printf("%6s %6s %6s %7s %9s  %s\n", "s", "ok", "failed", "slowest", "answered", "live pods by Knative revision")
	grown, shrunk, err := x.run(ctx)
	if err != nil {
		return err
	}
	return x.report(grown, shrunk)
}

// newScale follows the pods and starts the consumers, each of which has called once. end kills those that did not stop.
func newScale(ctx context.Context, s *settings) (x *scale, end func(), err error) {
	x = &scale{settings: s, current: second{by: map[string]int{}}, sum: second{by: map[string]int{}}, failures: map[string]int{}, last: map[string]time.Time{}}
	end = func() {
		for _, c := range x.consumers {
			c.Kill()
		}
	}
	if x.pods, err = followPods(ctx, s.api, s.keys, s.namespace, s.service); err != nil {
		return nil, nil, err
	}
	for i, command := range s.commands {
		c, err := startConsumer(ctx, s.names[i], s.logs, command, x.hear)
		if err != nil {
			end()
			return nil, nil, err
		}
		x.consumers = append(x.consumers, c)
		if _, err := c.call("first"); err != nil {
			end()
			return nil, nil, err
		}
	}
	return x, end, nil
}

// hear takes a line "SECOND ok failed slowest pod=calls…" or "FAILED why" of a consumer.
func (x *scale) hear(line string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if why, ok := strings.CutPrefix(line, "FAILED "); ok {
		x.failures[why]++
		return
	}
	f := strings.Fields(line)
	if len(f) < 4 {
		return
	}
	n := func(s string) int { v, _ := strconv.Atoi(s); return v }
	x.current.ok += n(f[1])
	x.current.failed += n(f[2])
	x.current.slowest = max(x.current.slowest, n(f[3]))
	for _, part := range f[4:] {
		pod, calls, _ := strings.Cut(part, "=")
		x.current.by[pod] += n(calls)
		x.last[pod] = time.Now()
	}
}

// run makes calls for the busy and the calm time, and tells when there were enough pods, and few enough; 0: never.
func (x *scale) run(ctx context.Context) (grown, shrunk time.Duration, err error) {
	x.start = time.Now()
	if err := x.pace(x.rate); err != nil {
		return 0, 0, err
	}
	var rollout *exec.Cmd
	calm := false
	for tick := range int((x.busy + x.calm) / time.Second) {
		if err := pause(ctx, time.Until(x.start.Add(time.Duration(tick+1)*time.Second))); err != nil {
			return grown, shrunk, err
		}
		now := time.Since(x.start)
		live, by := x.pods.live()
		x.show(now, by)
		if grown == 0 && live >= x.enough {
			grown = now
		}
		if rollout == nil && x.rollout != "" && now >= x.busy/2 {
			fmt.Println("       a new Knative revision:", x.rollout)
			rollout = exec.CommandContext(ctx, x.rollout)
			rollout.Stdout, rollout.Stderr = os.Stdout, os.Stderr
			if err := rollout.Run(); err != nil {
				return grown, shrunk, fmt.Errorf("roll-out: %w", err)
			}
		}
		if !calm && now >= x.busy {
			calm = true
			fmt.Printf("       from now on %d calls a second\n", x.low)
			if err := x.pace(x.low); err != nil {
				return grown, shrunk, err
			}
		}
		if calm && shrunk == 0 && live <= x.fewer {
			shrunk = now - x.busy
		}
	}
	return grown, shrunk, x.pace(0)
}

// pace shares the calls among the consumers.
func (x *scale) pace(rate int) error {
	for i, c := range x.consumers {
		share := rate/len(x.consumers) + min(1, max(0, rate%len(x.consumers)-i))
		if err := c.Say("rate " + strconv.Itoa(share)); err != nil {
			return err
		}
	}
	return nil
}

func (x *scale) show(now time.Duration, by map[string]int) {
	x.mu.Lock()
	s := x.current
	x.current = second{by: map[string]int{}}
	x.sum.ok += s.ok
	x.sum.failed += s.failed
	x.sum.slowest = max(x.sum.slowest, s.slowest)
	x.mu.Unlock()
	var live []string
	for _, r := range slices.Sorted(maps.Keys(by)) {
		live = append(live, fmt.Sprintf("%s %d", r, by[r]))
	}
	fmt.Printf("%6.0f %6d %6d %7d %9d  %s\n", now.Seconds(), s.ok, s.failed, s.slowest, len(s.by), strings.Join(live, ", "))
}

func (x *scale) report(grown, shrunk time.Duration) error {
	var c checks
	for _, consumer := range x.consumers {
		_, total, err := consumer.stop()
		c.check(err == nil && strings.HasSuffix(total, " 0 failed"), "%s: %s", consumer.name, total)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.pods.mu.Lock()
	defer x.pods.mu.Unlock()
	fmt.Println("\npods; s from the first call: made, ready, told to end, last answer, gone; exit code")
	at := func(t time.Time) string {
		if t.IsZero() {
			return "–"
		}
		return fmt.Sprintf("%.1f", t.Sub(x.start).Seconds())
	}
	killed := 0
	for _, name := range slices.SortedFunc(maps.Keys(x.pods.seen), func(a, b string) int { return x.pods.seen[a].created.Compare(x.pods.seen[b].created) }) {
		p := x.pods.seen[name]
		fmt.Printf("  %-45s %7s %7s %7s %7s %7s  %d\n", name, at(p.created), at(p.ready), at(p.told), at(x.last[name]), at(p.gone), p.exit)
		if p.exit != 0 {
			killed++
		}
	}
	for _, why := range slices.Sorted(maps.Keys(x.failures)) {
		fmt.Printf("  %d × %s\n", x.failures[why], why)
	}
	c.check(grown > 0 && grown <= growWithin, "%d pods after %.0f s (within %v)", x.enough, grown.Seconds(), growWithin)
	c.check(shrunk > 0 && shrunk <= shrinkWithin, "at most %d pods %.0f s after it got calm (within %v)", x.fewer, shrunk.Seconds(), shrinkWithin)
	c.check(killed == 0, "pods that did not end by themselves: %d (none)", killed)
	return c.err()
}
