package local

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/internal/environ"
	"github.com/dubbofn/dubbofn/internal/supervise"
	"github.com/dubbofn/dubbofn/invoker"
)

// console tells people what happens, a line at a time. Safe for concurrent use.
type console struct {
	mu     sync.Mutex
	out    io.Writer
	colour bool
	idle   time.Duration
	status func(line string) // nil: nobody looks
	ending <-chan struct{}   // closed: everything ends; nil: never
	states []*shown          // in the order of the functions
}

// Write passes lines of the functions on, whole.
func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(b)
}

func (c *console) tell(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(c.out, format+"\n", args...)
}

func (c *console) paint(code int, s string) string {
	if !c.colour {
		return s
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", code, s)
}

// changed tells of a function that woke or went to sleep.
func (c *console) changed(s supervise.State) {
	last, renewed := c.note(s)
	ending := false
	select {
	case <-c.ending:
		ending = true
	default:
	}
	switch {
	case s.Phase == supervise.Starting:
		c.tell("%s %s is called and wakes", c.paint(33, "◐"), s.Name)
	case s.Phase == supervise.Awake:
		c.tell("%s %s is awake after %s, process %d", c.paint(32, "●"), s.Name, milli(s.Took), s.PID)
	case renewed:
	case last == supervise.Awake && s.Err == nil && ending:
		c.tell("%s %s is told to end", c.paint(2, "○"), s.Name)
	case last == supervise.Awake && s.Err == nil:
		c.tell("%s %s is asleep: nobody called it for %v", c.paint(2, "○"), s.Name, c.idle)
	case s.Err != nil:
		c.tell("%s %s: %v", c.paint(31, "✗"), s.Name, s.Err)
	}
}

func milli(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// introduce says what there is and how it is called.
func (c *console) introduce(at Site, functions []function) {
	var b strings.Builder
	width, call := 0, ""
	for _, f := range functions {
		width = max(width, len(f.name))
	}
	b.WriteString("\n")
	for _, f := range functions {
		example, offers := f.manifest.Example()
		if call == "" {
			call = example
		}
		fmt.Fprintf(&b, "%s %-*s  %s\n", c.paint(2, "○"), width, f.name, offers)
	}
	fmt.Fprintf(&b, "\nAll asleep: no process runs until a call comes, and none %v after the last.\n", c.idle)
	registry, with := public(at.Registry), "--registry "+at.Registry+" "
	switch {
	case registry != at.Registry:
		with = "" // by a DUBBOFN_REGISTRY as here: passwords are not for the screen
	case strings.ContainsAny(registry, "?&; "):
		with = "--registry '" + registry + "' "
	}
	fmt.Fprintf(&b, "  consumers   %s, found in %s\n", at.Dubbo, registry)
	if call != "" {
		fmt.Fprintf(&b, "  call one    dubbofn call %s%s\n", with, call)
	}
	if at.HTTP != "" {
		fmt.Fprintf(&b, "  events      http://%s with the header Host: %s.local\n", at.HTTP, functions[0].name)
	}
	fmt.Fprintf(&b, "  see wakes   dubbofn ledger --admin %s\n", at.Admin)
	if at.Console != "" {
		fmt.Fprintf(&b, "  console     %s\n", at.Console)
	}
	fmt.Fprintf(&b, "  metrics     http://%s/metrics", at.Admin)
	if at.Keeper != "" {
		fmt.Fprintf(&b, ", the keeper's http://%s/metrics", at.Keeper)
	}
	b.WriteString("\n  end         Ctrl-C\n")
	c.tell("%s", b.String())
}

// public is a list of registries as it may be shown: those with a password without it.
func public(registries string) string {
	all := environ.SplitURLs(strings.Split(registries, ","))
	hidden := false
	for i, s := range all {
		if u, err := invoker.ParseURL(s); err == nil && strings.Contains(u.String(), "%2A%2A%2A") { // what String puts in a secret's place
			all[i], hidden = u.String(), true
		}
	}
	if !hidden {
		return registries
	}
	return strings.Join(all, " ")
}
