// Hostile sends a live provider of the kit's services what no consumer sends: the corpus over several connections at once, beside
// connections that send one byte at a time. It tells what came of it, and the most memory that the provider held meanwhile.
//
// It fails when a frame that can be answered is not answered with an error, when honest calls fail during or after it, or when peak
// memory exceeds idle memory by more than 4 times the payload limit.
package main

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

type attack struct {
	only    *regexp.Regexp
	address string
	wait    time.Duration // for an answer, where one must come
	linger  time.Duration // where none need come
	mu      sync.Mutex
	status  map[string]int // what came back, and how often
	faults  []string
}

func main() {
	address := flag.String("address", "127.0.0.1:20880", "the provider")
	pid := flag.Int("pid", 0, "the provider's process, to tell its memory; 0: it isn't told")
	connections := flag.Int("connections", 16, "connections at once, each with another item")
	rounds := flag.Int("rounds", 3, "how often the corpus is sent")
	slow := flag.Int("slow", 64, "connections that send a byte now and then")
	payload := flag.Int64("payload", 8<<20, "the provider's payload limit")
	only := flag.String("only", "", "a regular expression: only the items whose names match")
	flag.Parse()
	a := &attack{only: regexp.MustCompile(*only), address: *address, wait: 10 * time.Second, linger: 30 * time.Millisecond, status: map[string]int{}}
	if err := a.run(*pid, *connections, *rounds, *slow, *payload); err != nil {
		fmt.Fprintln(os.Stderr, "hostile:", err)
		os.Exit(1)
	}
}

func (a *attack) run(pid, connections, rounds, slow int, payload int64) error {
	var idle int64
	if pid != 0 {
		var err error
		if idle, err = memory(pid, "VmRSS"); err != nil {
			return err
		}
		if err := forgetPeak(pid); err != nil {
			return err
		}
	}
	start := time.Now()
	stop := make(chan struct{})
	var background sync.WaitGroup
	var honestCalls, honestFailures atomic.Int64
	for range slow {
		background.Go(func() { a.loris(stop) })
	}
	background.Go(func() { a.callHonestly(stop, &honestCalls, &honestFailures) })

	sent := a.send(connections, rounds)
	close(stop)
	background.Wait()
	fmt.Printf("sent %d items over %d connections at once, beside %d slow ones, in %.1f s\n", sent, connections, slow, time.Since(start).Seconds())
	a.report()
	fmt.Printf("honest calls on a connection of their own: %d, failed: %d\n", honestCalls.Load(), honestFailures.Load())
	if honestFailures.Load() > 0 || honestCalls.Load() == 0 {
		a.faults = append(a.faults, "honest calls failed")
	}
	if pid != 0 {
		if err := a.reportMemory(pid, idle, payload); err != nil {
			return err
		}
	}
	if len(a.faults) == 0 {
		return nil
	}
	for _, f := range a.faults[:min(len(a.faults), 40)] {
		fmt.Println("FAULT", f)
	}
	return fmt.Errorf("%d faults", len(a.faults))
}

// send gives every item of the corpus to a connection of its own, so many at once; each round in another order of workers.
func (a *attack) send(connections, rounds int) int {
	work := make(chan item)
	var workers sync.WaitGroup
	for range connections {
		workers.Go(func() {
			for i := range work {
				a.try(i)
			}
		})
	}
	sent := 0
	for r := range rounds {
		for _, i := range corpus(uint64(r)) {
			if a.only.MatchString(i.name) {
				work <- i
				sent++
			}
		}
	}
	close(work)
	workers.Wait()
	return sent
}

// try sends one item and notes what comes of it.
func (a *attack) try(i item) {
	c, err := net.DialTimeout("tcp", a.address, 5*time.Second)
	if err != nil {
		a.fault("%s: dial: %v", i.name, err)
		return
	}
	defer c.Close()
	wait := a.linger
	if i.error {
		wait = a.wait
	}
	deadline := time.Now().Add(a.wait)
	if err := c.SetDeadline(deadline); err != nil {
		a.fault("%s: %v", i.name, err)
		return
	}
	// The provider may close before it has read everything; what it answered is still there to be read.
	_, _ = c.Write(i.bytes)
	if err := c.SetReadDeadline(time.Now().Add(wait)); err != nil {
		a.fault("%s: %v", i.name, err)
		return
	}
	status, err := answer(c)
	switch {
	case err == nil:
		a.note(fmt.Sprintf("status %d", status))
		if i.error && status == 20 {
			a.fault("%s: answered with status 20; want an error", i.name)
		}
	case errors.Is(err, os.ErrDeadlineExceeded):
		a.note("silence")
	default:
		a.note("closed")
	}
	if i.error && err != nil {
		a.fault("%s: no answer: %v; want one with an error", i.name, err)
	}
}

// answer reads one response's status and skips its body.
func answer(c net.Conn) (byte, error) {
	var head [headBytes]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return 0, err
	}
	if head[0] != 0xda || head[1] != 0xbb {
		return 0, fmt.Errorf("magic %x", head[:2])
	}
	n := int64(binary.BigEndian.Uint32(head[12:]))
	_, err := io.CopyN(io.Discard, c, n)
	return head[3], err
}

// loris sends a good frame one byte at a time, forever.
func (a *attack) loris(stop <-chan struct{}) {
	frame := honest(99)
	for {
		c, err := net.DialTimeout("tcp", a.address, 5*time.Second)
		if err != nil {
			a.fault("slow connection: dial: %v", err)
			return
		}
		for _, b := range frame {
			if _, err = c.Write([]byte{b}); err != nil {
				break // the provider has lost patience
			}
			select {
			case <-stop:
				c.Close()
				return
			case <-time.After(time.Second):
			}
		}
		c.Close()
	}
}

// callHonestly makes one good call after the other on one connection, which must live through it all.
func (a *attack) callHonestly(stop <-chan struct{}, calls, failures *atomic.Int64) {
	c, err := net.DialTimeout("tcp", a.address, 5*time.Second)
	if err != nil {
		failures.Add(1)
		return
	}
	defer c.Close()
	for id := uint64(1); ; id++ {
		select {
		case <-stop:
			return
		default:
		}
		calls.Add(1)
		if err := c.SetDeadline(time.Now().Add(a.wait)); err != nil {
			failures.Add(1)
			return
		}
		if _, err = c.Write(honest(id)); err == nil {
			var status byte
			if status, err = answer(c); err == nil && status != 20 {
				err = fmt.Errorf("status %d", status)
			}
		}
		if err != nil {
			failures.Add(1)
			a.fault("honest call %d: %v", id, err)
			return
		}
	}
}

func (a *attack) note(what string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status[what]++
}

func (a *attack) fault(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = append(a.faults, fmt.Sprintf(format, args...))
}

func (a *attack) report() {
	var kinds []string
	for k := range a.status {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	for _, k := range kinds {
		fmt.Printf("  %-12s %d\n", k, a.status[k])
	}
}

func (a *attack) reportMemory(pid int, idle, payload int64) error {
	peak, err := memory(pid, "VmHWM")
	if err != nil {
		return fmt.Errorf("the provider is gone: %w", err)
	}
	const mib = 1 << 20
	ratio := float64(peak-idle) / float64(payload)
	fmt.Printf("memory: idle %.1f MiB, peak %.1f MiB; the difference is %.2f times the payload limit of %.0f MiB (limit 4)\n",
		float64(idle)/mib, float64(peak)/mib, ratio, float64(payload)/mib)
	if ratio > 4 {
		a.faults = append(a.faults, fmt.Sprintf("peak memory: %.2f times the payload limit; limit 4", ratio))
	}
	return nil
}
