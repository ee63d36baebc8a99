package jvm

import (
	"context"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Calls is a consumer that makes calls at the same time, each with an id (the kit's Counted and OnDemand): "ID …" asks for one, "DONE ID ok NUMBER" or "DONE ID failed TEXT" is its end.
// Safe for concurrent use.
type Calls struct {
	*Process

	mu      sync.Mutex
	pending map[string]chan string
}

// Error is what a Java consumer got instead of a result.
type Error string

// Error implements error.
func (e Error) Error() string { return string(e) }

// Silent tells that the consumer stopped waiting: nobody told it anything.
func (e Error) Silent() bool {
	s := string(e)
	return strings.Contains(s, "by scan timer") || strings.Contains(s, "ms waiting for result") || strings.Contains(s, noAnswer)
}

const noAnswer = "nothing came from the Java consumer"

// StartCalls is [Start]; other gets the lines that end no call.
func StartCalls(ctx context.Context, command []string, errs io.Writer, ready string, other func(line string)) (c *Calls, err error) {
	c = &Calls{pending: map[string]chan string{}}
	c.Process, err = Start(ctx, command, errs, ready, func(line string) {
		words := strings.SplitN(line, " ", 3)
		if words[0] != "DONE" || len(words) < 3 {
			other(line)
			return
		}
		c.mu.Lock()
		done := c.pending[words[1]]
		delete(c.pending, words[1])
		c.mu.Unlock()
		if done != nil {
			done <- words[2]
		}
	})
	return c, err
}

// Call has it make a call, and waits for what it says of that. Errors are of type [Error].
func (c *Calls) Call(id, rest string, within time.Duration) (int64, error) {
	done := make(chan string, 1)
	c.mu.Lock()
	c.pending[id] = done
	c.mu.Unlock()
	if err := c.Say(id + " " + rest); err != nil {
		return 0, Error(noAnswer + ": " + err.Error())
	}
	select {
	case said := <-done:
		what, rest, _ := strings.Cut(said, " ")
		n, err := strconv.ParseInt(rest, 10, 64)
		if what != "ok" || err != nil {
			return 0, Error(rest)
		}
		return n, nil
	case <-c.Ended():
		return 0, Error(noAnswer + ": it ended")
	case <-time.After(within):
		return 0, Error(noAnswer)
	}
}
