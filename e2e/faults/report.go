package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// row is a line of the table.
type row struct {
	id, title string
	calls     []call
	cut       time.Time // when a connection was cut
	stumbles  int       // calls that failed within Java

	mu     sync.Mutex
	seen   []string
	faults []string
}

// row begins one.
func (b *bench) row(id, title string) *row {
	r := &row{id: id, title: title}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rows = append(b.rows, r)
	fmt.Printf("%s: %s\n", id, title)
	return r
}

// saw is for the table's last column.
func (r *row) saw(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, fmt.Sprintf(format, args...))
}

func (r *row) fault(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

// must notes an error that is none of the calls'.
func (r *row) must(err error) bool {
	if err != nil {
		r.fault("%v", err)
	}
	return err == nil
}

// road is what a call may take beside the time that its consumer waits: to be asked for, to begin, and to be told of.
const road = 250 * time.Millisecond

// judge takes the calls in: one that failed must be allowed to, and have ended with an error of somebody's before its deadline.
func (r *row) judge(calls []call, allowed func(call) bool) {
	for _, c := range calls {
		limit := published(c.group)
		if r.deaf(c) {
			limit *= 2
		}
		switch {
		case c.wrong:
			r.fault("%s: a wrong answer", c.id)
		case c.took() > limit+road:
			r.fault("%s: it took %v, its deadline was %v: %v", c.id, c.took().Round(time.Millisecond), limit, c.err)
		case c.err == nil:
		case stumbled(c):
			r.stumbles++
		case silence(c.err) && !r.deaf(c):
			r.fault("%s: nobody told the consumer anything: %v", c.id, c.err)
		case allowed == nil || !allowed(c):
			r.fault("%s at %s, after %v: %v", c.id, c.begin.Format("15:04:05.000"), c.took().Round(time.Millisecond), c.err)
		}
	}
	r.calls = append(r.calls, calls...)
	if r.stumbles > maxStumbles {
		r.fault("%d calls failed within Java 2.7.23", r.stumbles)
	}
}

// maxStumbles bounds a row's calls that fail within a consumer: steady is the first there, and soon called.
const maxStumbles = 2

// report compares what consumers were told with what ran, and prints the table.
func (b *bench) report(took time.Duration) (ok bool) {
	ran, err := b.site.executions()
	if err == nil {
		err = b.list()
	}
	total, failed, faults := 0, 0, 0
	fmt.Printf("\n%-58s %7s %7s %9s   %s\n", "what", "calls", "failed", "slowest", "seen")
	for _, r := range b.rows {
		r.must(err)
		r.compare(ran)
		slowest, bad := time.Duration(0), 0
		for _, c := range r.calls {
			slowest = max(slowest, c.took())
			if c.err != nil {
				bad++
			}
			if stumbled(c) && ran[c.id] > 0 {
				r.fault("%s ran: %v", c.id, c.err)
			}
		}
		if r.stumbles > 0 {
			r.saw("%d failed within Java 2.7.23", r.stumbles)
		}
		fmt.Printf("%-58s %7d %7d %6d ms   %s\n", r.title, len(r.calls), bad, slowest.Milliseconds(), strings.Join(r.seen, "; "))
		for i, f := range r.faults {
			if i < 10 {
				fmt.Println("    FAULT", f)
			}
		}
		total, failed, faults = total+len(r.calls), failed+bad, faults+len(r.faults)
	}
	for _, secret := range b.site.told() {
		faults++
		fmt.Println("FAULT a secret was told:", secret)
	}
	fmt.Printf("\n%d faults tried in %.0f s: %d calls, %d ended with a clear error, as they had to; %d went wrong\n", len(b.rows), took.Seconds(), total, failed, faults)
	return faults == 0
}

// inFlight tells whether a call that may run once only was under way when a connection was cut.
func (r *row) inFlight(c call) bool { return c.method == "add" && r.crossed(c) }

func (r *row) crossed(c call) bool {
	return c.begin.Before(r.cut.Add(50*time.Millisecond)) && c.end.After(r.cut)
}

// deaf tells whether a consumer was told of its connection's end, and let its call wait on all the same: Java 3.3.6 gives an answer that can't come
// any more 10 s, or the rest of the call's time, and only then tries elsewhere.
func (r *row) deaf(c call) bool { return c.by == "java-3.3.6" && r.crossed(c) }

// stumbled tells whether Java 2.7.23 failed before the call left it: at an address that has gone and come back it connects at the first call, with the
// URL of the application that was the first there, in whose metadata it looks for what is being called (LazyConnectExchangeClient, InstanceAddressURL).
func stumbled(c call) bool {
	return c.by == "java-2.7.23" && c.err != nil && strings.HasPrefix(c.err.Error(), "NullPointerException") && strings.Contains(c.err.Error(), "InstanceAddressURL.getServiceInfo")
}

// list writes down every call that failed, for whoever wants to know more.
func (b *bench) list() error {
	var text strings.Builder
	for _, r := range b.rows {
		for _, c := range r.calls {
			if c.err != nil {
				fmt.Fprintf(&text, "%s %s %s, %v: %v\n", c.begin.Format("15:04:05.000"), c.id, c.group, c.took().Round(time.Millisecond), c.err)
			}
		}
	}
	return os.WriteFile(filepath.Join(b.dir, "failed.log"), []byte(text.String()), 0o600)
}

// compare looks for calls that ran twice, or were answered without having run.
func (r *row) compare(ran map[string]int) {
	for _, c := range r.calls {
		for _, id := range []string{c.id, c.id + "/next"} {
			if n := ran[id]; n > 1 && c.method != "look" {
				r.fault("%s ran %d times: %v", id, n, c.err)
			}
		}
		if c.err == nil && ran[c.id] == 0 {
			r.fault("%s was answered and never ran", c.id)
		}
	}
}

// percentile of how long the calls took.
func percentile(calls []call, p int) time.Duration {
	if len(calls) == 0 {
		return 0
	}
	var all []time.Duration
	for _, c := range calls {
		all = append(all, c.took())
	}
	slices.Sort(all)
	return all[(len(all)-1)*p/100]
}
