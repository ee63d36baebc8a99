package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// call is one call as its consumer saw it.
type call struct {
	id, by, group, method string
	odd                   bool
	begin, end            time.Time
	err                   error
	wrong                 bool
}

func (c call) took() time.Duration { return c.end.Sub(c.begin) }

// numbers makes the ids differ.
var numbers atomic.Int64

// one makes a call and waits for its end. add's argument is even.
func one(row string, by consumer, group, method string, millis int32) call {
	return oneOf(row, by, group, method, numbers.Add(1)*2, millis)
}

func oneOf(row string, by consumer, group, method string, n int64, millis int32) call {
	c := call{id: fmt.Sprintf("%s/%s/%s/%d", row, by.name(), method, numbers.Add(1)), by: by.name(), group: group, method: method, odd: n%2 == 1, begin: time.Now()}
	want := 2*n + 1
	if method == "look" {
		want = 3*n + 2
	}
	var got int64
	got, c.err = by.call(group, c.id, method, n, millis)
	c.end = time.Now()
	c.wrong = c.err == nil && got != want
	return c
}

// load calls without pause until it is stopped.
type load struct {
	stop chan struct{}
	wg   sync.WaitGroup

	mu    sync.Mutex
	calls []call
}

// start has each consumer call add (of 20 ms) and look of a group, each one at a time, with a pause in between.
func start(row string, consumers []consumer, group string, pause time.Duration) *load {
	l := &load{stop: make(chan struct{})}
	for _, by := range consumers {
		for _, method := range []string{"add", "look"} {
			l.wg.Go(func() { l.loop(row, by, group, method, pause) })
		}
	}
	return l
}

func (l *load) loop(row string, by consumer, group, method string, pause time.Duration) {
	for {
		c := one(row, by, group, method, 20)
		l.mu.Lock()
		l.calls = append(l.calls, c)
		l.mu.Unlock()
		if c.err != nil {
			time.Sleep(100 * time.Millisecond) // what fails at once would fail ten thousand times a second
		}
		select {
		case <-l.stop:
			return
		case <-time.After(pause):
		}
	}
}

// end stops it and gives its calls, all of which have ended.
func (l *load) end() []call {
	close(l.stop)
	l.wg.Wait()
	return l.calls
}
