package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// LogOptions are which lines of a function's log are shown. The zero value: all that its pods still have.
type LogOptions struct {
	Follow   bool          // go on with what comes, of pods that come, until ctx ends
	Since    time.Duration // not older than that; 0: any
	Tail     int           // at most so many of each pod; 0: all
	Previous bool          // of the process before, in pods whose process ended and was started again
	// Line gets each line, without its end, and the pod's name. It is called by one goroutine at a time.
	Line func(pod, line string)
	// Tell hears which pods come and go. Default: nobody is told.
	Tell func(string)
}

const (
	maxLogLine = 1 << 20 // a longer one is cut
	maxPods    = 200     // that are followed at once
)

// Logs gives a function's log.
func (c *Cluster) Logs(ctx context.Context, name string, o LogOptions) error {
	op := fmt.Sprintf("logs of %q", name)
	if _, _, err := c.functionNamed(ctx, op, name); err != nil {
		return err
	}
	f := &follower{c: c, name: name, options: o, begun: map[string]bool{}, tell: once(o.Tell)}
	defer f.running.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop() // before the wait
	for first := true; ; first = false {
		found, err := c.podsOf(ctx, c.access.Namespace, serviceLabel, name)
		if err == nil {
			err = f.begin(ctx, found, first)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return c.explain(op, err)
		}
		if !o.Follow {
			if len(found) == 0 {
				f.tell(fmt.Sprintf("%s has no pod: it is asleep, and its log went with its pods; -f waits for the next", name))
			}
			if len(found) > 0 && f.live()+f.done() == 0 {
				f.tell(fmt.Sprintf("none of its pods has begun: 'dubbofn describe --deployed %s' tells why", name))
			}
			f.running.Wait()
			return c.explain(op, f.failure())
		}
		if f.live() == 0 {
			f.tell(name + " is asleep: waiting for its next pod")
		}
		c.pause(ctx)
	}
}

type follower struct {
	c       *Cluster
	name    string
	options LogOptions
	tell    func(string)
	running sync.WaitGroup

	mu    sync.Mutex
	begun map[string]bool // logs that have been read; false: still
	err   error
}

// begin reads pods that are new.
func (f *follower) begin(ctx context.Context, found []pod, first bool) error {
	for _, p := range found {
		s, ok := p.function()
		key := fmt.Sprintf("%s %d", p.name, s.Restarts) // a process that is started again has a log of its own
		f.mu.Lock()
		_, known := f.begun[key]
		n := len(f.begun)
		f.mu.Unlock()
		if known || !ok || s.State.Waiting != nil && !(f.options.Previous && s.Restarts > 0) {
			continue // there is nothing to read yet
		}
		if n-f.done() >= maxPods {
			return fmt.Errorf("it has more than %d pods: 'kubectl logs' is for one of them", maxPods)
		}
		if f.options.Follow {
			f.tell("following " + p.name)
		}
		f.mu.Lock()
		f.begun[key] = false
		f.mu.Unlock()
		f.running.Go(func() {
			err := f.read(ctx, p.name, s.Name, first)
			f.mu.Lock()
			defer f.mu.Unlock()
			f.begun[key] = true
			if err != nil && ctx.Err() == nil && !apierrors.IsNotFound(err) { // a pod may be gone by now
				f.err = errors.Join(f.err, err)
			}
		})
	}
	if f.options.Follow {
		return f.failure()
	}
	return nil
}

func (f *follower) done() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, over := range f.begun {
		if over {
			n++
		}
	}
	return n
}

func (f *follower) live() int {
	over := f.done()
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.begun) - over
}

func (f *follower) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// read gives the lines of one pod. Of one that came while its function was followed, all are new.
func (f *follower) read(ctx context.Context, pod, container string, first bool) error {
	q := url.Values{"container": {container}}
	o := f.options
	if o.Follow {
		q.Set("follow", "true")
	}
	if o.Previous {
		q.Set("previous", "true")
	}
	if o.Since > 0 && first {
		q.Set("sinceSeconds", strconv.Itoa(max(1, int(o.Since/time.Second))))
	}
	if o.Tail > 0 && first {
		q.Set("tailLines", strconv.Itoa(o.Tail))
	}
	resp, err := f.c.get(ctx, q, "api/v1/namespaces", f.c.access.Namespace, "pods", pod, "log")
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	r := bufio.NewReaderSize(resp.Body, 64<<10)
	for {
		line, err := readLine(r)
		if line != "" || err == nil {
			f.mu.Lock()
			f.options.Line(pod, line)
			f.mu.Unlock()
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

// readLine gives a line without its end, cut where it is too long.
func readLine(r *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		part, more, err := r.ReadLine()
		if err != nil {
			return b.String(), err
		}
		if room := maxLogLine - b.Len(); len(part) > room {
			part = part[:room]
		}
		b.Write(part)
		if !more {
			return b.String(), nil
		}
	}
}
