package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/e2e/jvm"
)

// consumer is a Java process that calls when it is told to: the kit's Paced.
type consumer struct {
	*jvm.Process
	name  string
	lines chan string
	first []jvm.Connection // its connections to the activator, at first
}

// startConsumer runs the command; its errors go to the file name.err in logs. extra hears lines that answer nothing.
func startConsumer(ctx context.Context, name, logs string, command []string, extra func(string)) (*consumer, error) {
	c := &consumer{name: name, lines: make(chan string, 1<<14)}
	errs, err := os.Create(filepath.Join(logs, name+".err"))
	if err != nil {
		return nil, err
	}
	defer errs.Close()
	c.Process, err = jvm.Start(ctx, command, errs, "PACED-READY", func(line string) {
		if strings.HasPrefix(line, "SECOND ") || strings.HasPrefix(line, "FAILED ") {
			extra(line)
			return
		}
		select {
		case c.lines <- line:
		default: // nobody asks any more
		}
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w; see %s.err", name, err, name)
	}
	return c, nil
}

var errEnded = errors.New("it has ended")

// next gives the next line.
func (c *consumer) next(late <-chan time.Time) (string, error) {
	select {
	case line := <-c.lines:
		return line, nil
	case <-late:
		return "", errors.New("it says nothing")
	case <-c.Ended():
	}
	select {
	case line := <-c.lines: // it said that before
		return line, nil
	default:
		return "", errEnded
	}
}

// await gives the next line that begins so, and drops what comes before it.
func (c *consumer) await(within time.Duration, prefix string) (string, error) {
	for late := time.After(within); ; {
		line, err := c.next(late)
		if err != nil {
			return "", fmt.Errorf("%s: wait %v for a line %s: %w; see %s.err", c.name, within, prefix, err, c.name)
		}
		if strings.HasPrefix(line, prefix) {
			return line, nil
		}
	}
}

// answer is one call, as the consumer saw it.
type answer struct {
	took time.Duration
	by   string // the pod
	err  error
}

func (c *consumer) call(text string) (answer, error) {
	if err := c.Say("call " + text); err != nil {
		return answer{}, err
	}
	line, err := c.await(60*time.Second, "CALL ")
	if err != nil {
		return answer{}, err
	}
	f := strings.SplitN(line, " ", 4)
	if len(f) < 4 {
		return answer{}, fmt.Errorf("%s said %q", c.name, line)
	}
	us, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil {
		return answer{}, err
	}
	a := answer{took: time.Duration(us) * time.Microsecond, by: f[3]}
	if f[1] != "ok" {
		a.by, a.err = "", errors.New(f[3])
	}
	return a, nil
}

// stop lets it end, and gives what it says then: how often it read which config, and its totals.
func (c *consumer) stop() (reads map[string]int, total string, err error) {
	if err := c.Say("stop"); err != nil {
		return nil, "", err
	}
	reads = map[string]int{}
	for late := time.After(2 * time.Minute); ; {
		line, err := c.next(late)
		switch {
		case errors.Is(err, errEnded):
			return reads, total, c.Err()
		case err == nil:
			err = c.last(line, reads, &total)
		}
		if err != nil {
			return nil, "", fmt.Errorf("%s: stop: %w", c.name, err)
		}
	}
}

func (c *consumer) last(line string, reads map[string]int, total *string) (err error) {
	if f := strings.Fields(line); len(f) == 4 && f[0] == "CONFIG-READ" {
		reads[f[3]+" "+f[2]], err = strconv.Atoi(f[1]) // by "dataId group"
	} else if t, ok := strings.CutPrefix(line, "TOTAL "); ok {
		*total = t
	}
	return err
}
