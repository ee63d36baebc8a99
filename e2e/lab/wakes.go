package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/cold"
)

// wake is one way from zero to the first answer.
type wake struct {
	by    string // a consumer's name, or "http"
	took  time.Duration
	warm  time.Duration // the same consumer's next call
	pod   string
	old   bool  // the pod was there before, about to end
	start start // what the activator wrote down of it
}

type wakes struct {
	*settings
	pods      *pods
	consumers []*consumer
	http      *http.Client
	all       []wake
	errs      []error
	moved     []string // connections that are not what they were
}

// What is expected of a wake: the ratio of medians with the early lane, and without it our own share.
const (
	maxRatio    = 0.40
	maxShare    = 15 * time.Millisecond
	maxShareP95 = 60 * time.Millisecond
)

func measureWakes(ctx context.Context, s *settings) error {
	w := &wakes{settings: s, http: &http.Client{Timeout: time.Minute}}
	var err error
	if w.pods, err = followPods(ctx, s.api, s.keys, s.namespace, s.service); err != nil {
		return err
	}
	for i, command := range s.commands {
		c, err := startConsumer(ctx, s.names[i], s.logs, command, func(string) {})
		if err != nil {
			return err
		}
		defer c.Kill()
		w.consumers = append(w.consumers, c)
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	fmt.Println("first call, next call: as the consumer saw them. The rest is from when the activator had the first call: the function's process")
	fmt.Println("began, was ready, had its lane to the activator; the knock was answered; the first reply came.")
	fmt.Printf("%3s  %-8s %10s %10s  %-5s %10s %10s %10s %10s %10s\n", "#", "by", "first call", "next call", "lane", "process", "ready", "its lane", "knock", "replied")
	ways := w.order()
	for i, way := range ways {
		if err := w.one(ctx, i+1, way); err != nil {
			return err
		}
	}
	return w.report()
}

// settle lets every consumer find the function and connect, and notes the connections that it has from then on.
func (w *wakes) settle(ctx context.Context) error {
	for _, c := range w.consumers {
		for try := 1; ; try++ {
			a, err := c.call("first")
			if err != nil {
				return err
			}
			if a.err == nil {
				break
			}
			if try == 30 {
				return fmt.Errorf("%s finds nothing: %w", c.name, a.err)
			}
			if err := pause(ctx, time.Second); err != nil {
				return err
			}
		}
	}
	for _, c := range w.consumers {
		for range 50 { // what a JVM does at first is no part of a wake
			if _, err := c.call("early"); err != nil {
				return err
			}
		}
		var err error
		if c.first, err = c.Connections(w.port); err != nil {
			return err
		}
		fmt.Printf("%s: connections to the activator: %s\n", c.name, c.first)
	}
	// the first wake of a Knative revision is slower than any later one, whoever causes it
	return w.fromZero(ctx, func() error { _, err := w.consumers[0].call("unmeasured"); return err })
}

// order is a consumer's number for a wake by it, -1 for one by HTTP: each pair in an order of its own, so that nothing that comes and goes
// on the machine meets one kind only.
func (w *wakes) order() []int {
	var ways []int
	for i := range w.wakes {
		pair := []int{i % len(w.consumers), -1}
		rand.Shuffle(2, func(a, b int) { pair[a], pair[b] = pair[b], pair[a] })
		ways = append(ways, pair...)
	}
	return ways
}

// fromZero runs what wakes the function when no pod is live, at a moment of no fixed distance from the last: the kubelet looks at pods once
// a second, and a fixed pause would meet it at the same point each time.
func (w *wakes) fromZero(ctx context.Context, wakeUp func() error) error {
	zero, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if err := w.pods.toZero(zero); err != nil {
		return err
	}
	if err := pause(ctx, 200*time.Millisecond+rand.N(time.Second)); err != nil {
		return err
	}
	return wakeUp()
}

func (w *wakes) one(ctx context.Context, number, way int) error {
	k := wake{by: "http"}
	var before time.Time
	err := w.fromZero(ctx, func() error {
		before = time.Now()
		if way < 0 {
			return w.byHTTP(ctx, &k)
		}
		return w.byConsumer(ctx, w.consumers[way], &k)
	})
	if err != nil {
		return err
	}
	if way >= 0 {
		if k.old = w.pods.before(k.pod, before); !k.old {
			k.start, err = w.first(ctx, before)
		}
		if err != nil {
			return err
		}
	}
	for _, c := range w.consumers {
		now, err := c.Connections(w.port)
		if err != nil {
			return err
		}
		if !slices.Equal(now, c.first) {
			w.moved = append(w.moved, fmt.Sprintf("wake %d: %s has %v, had %v", number, c.name, now, c.first))
			c.first = now
		}
	}
	w.all = append(w.all, k)
	if way < 0 {
		fmt.Printf("%3d  %-8s %s\n", number, k.by, ms(k.took))
		return nil
	}
	knock := "         –"
	if k.start.Knock > 0 {
		knock = ms(k.start.knock())
	}
	fmt.Printf("%3d  %-8s %s %s  %-5s %10s %10s %10s %10s %10s\n", number, k.by, ms(k.took), ms(k.warm), k.start.Lane,
		k.start.since(began), k.start.since(ended(cold.PhaseReady)), k.start.since(ended(cold.PhaseLane)), knock, ms(k.start.reply()))
	return nil
}

// byConsumer is the first call and one more, and one of every other consumer.
func (w *wakes) byConsumer(_ context.Context, c *consumer, k *wake) error {
	a, err := c.call("wake")
	if err != nil {
		return err
	}
	k.by, k.took, k.pod = c.name, a.took, a.by
	w.note(c, a)
	again, err := c.call("warm")
	if err != nil {
		return err
	}
	k.warm = again.took
	w.note(c, again)
	for _, other := range w.consumers {
		if other != c {
			a, err := other.call("warm")
			if err != nil {
				return err
			}
			w.note(other, a)
		}
	}
	return nil
}

func (w *wakes) note(c *consumer, a answer) {
	if a.err != nil {
		w.errs = append(w.errs, fmt.Errorf("%s: %w", c.name, a.err))
		fmt.Println("     failed:", c.name, a.err)
	}
}

// byHTTP asks the function for its health, through the ingress and Knative alone.
func (w *wakes) byHTTP(ctx context.Context, k *wake) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.ingress+"/health/live", http.NoBody)
	if err != nil {
		return err
	}
	req.Host = w.host
	begin := time.Now()
	res, err := w.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	k.took = time.Since(begin)
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New("the ingress answered " + res.Status)
	}
	return err
}

func (w *wakes) report() error {
	var byHTTP, byDubbo, shares sample
	of, lanes, old := map[string]sample{}, map[string]sample{}, 0
	for _, k := range w.all {
		if k.old {
			old++
			continue
		}
		of[k.by] = append(of[k.by], k.took)
		if k.by == "http" {
			byHTTP = append(byHTTP, k.took)
			continue
		}
		byDubbo = append(byDubbo, k.took)
		lanes[k.start.Lane] = append(lanes[k.start.Lane], k.took)
		if k.start.Lane == "http" && k.start.Knock > 0 {
			shares = append(shares, k.took-k.start.knock())
		}
	}
	fmt.Println()
	fmt.Println("plain HTTP      ", byHTTP)
	fmt.Println("Dubbo           ", byDubbo)
	for _, c := range w.consumers {
		fmt.Printf("  by %-12s %v\n", c.name, of[c.name])
	}
	for _, lane := range slices.Sorted(maps.Keys(lanes)) {
		fmt.Printf("  lane %-10s %v\n", lane, lanes[lane])
	}
	if len(shares) > 0 {
		fmt.Println("own share       ", shares)
	}
	if err := w.drawLast(); err != nil {
		return err
	}
	var c checks
	ratio := float64(byDubbo.at(0.5)) / float64(byHTTP.at(0.5))
	if w.lane {
		c.check(ratio <= maxRatio, "ratio of medians, Dubbo to HTTP: %.2f (at most %.2f)", ratio, maxRatio)
	} else {
		fmt.Printf("       ratio of medians, Dubbo to HTTP, without the early lane: %.2f\n", ratio)
		c.check(len(shares) == len(byDubbo) && shares.at(0.5) <= maxShare && shares.at(0.95) <= maxShareP95, "own share of a wake: median %s (at most %s), p95 %s (at most %s)",
			ms(shares.at(0.5)), ms(maxShare), ms(shares.at(0.95)), ms(maxShareP95))
	}
	c.check(old == 0, "wakes that a pod about to end has answered: %d (none)", old)
	c.check(len(w.errs) == 0, "failed calls: %d (none)", len(w.errs))
	nobody := 0
	for _, err := range w.errs {
		if strings.Contains(err.Error(), "No provider") {
			nobody++
		}
	}
	c.check(nobody == 0, "\"No provider\": %d (none)", nobody)
	c.check(len(w.moved) == 0, "connections to the activator, the same from the first wake to the last%s", strings.Join(append([]string{""}, w.moved...), "\n       "))
	w.stop(&c)
	return c.err()
}

var revisionForm = regexp.MustCompile(`^[0-9a-zA-Z]{16,}$`)

// stop ends the consumers, and looks how often each read the function's metadata.
func (w *wakes) stop(c *checks) {
	for _, consumer := range w.consumers {
		reads, total, err := consumer.stop()
		if err != nil {
			c.check(false, "%s: %v", consumer.name, err)
			continue
		}
		n := 0
		for config, times := range reads {
			if id, group, _ := strings.Cut(config, " "); id == w.service && revisionForm.MatchString(group) {
				n += times
			}
		}
		c.check(n == 1, "%s: %s; metadata of %q read %d times (once)", consumer.name, total, w.service, n)
	}
}
