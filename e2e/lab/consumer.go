package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// consumer is a Java process that calls when it is told to: the kit's Paced.
type consumer struct {
	name  string
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string
	first []string // its connections to the activator, at first

	mu    sync.Mutex
	extra func(line string) // hears lines that answer nothing
}

const readyWithin = 90 * time.Second

// startConsumer runs the command; its errors go to the file name.err in logs.
func startConsumer(ctx context.Context, name, logs string, command []string, extra func(string)) (*consumer, error) {
	c := &consumer{name: name, lines: make(chan string, 1), extra: extra}
	c.cmd = exec.CommandContext(ctx, command[0], command[1:]...)
	errs, err := os.Create(filepath.Join(logs, name+".err"))
	if err != nil {
		return nil, err
	}
	defer errs.Close()
	c.cmd.Stderr = errs
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go c.read(out)
	if _, err := c.await(readyWithin, "PACED-READY"); err != nil {
		c.end()
		return nil, err
	}
	return c, nil
}

// end kills it, unless it has stopped.
func (c *consumer) end() {
	if c.cmd.ProcessState == nil {
		_ = c.cmd.Process.Kill() // it may just have ended
		_ = c.cmd.Wait()         // killed
	}
}

func (c *consumer) read(out io.Reader) {
	defer close(c.lines)
	for s := bufio.NewScanner(out); s.Scan(); {
		line := s.Text()
		if strings.HasPrefix(line, "SECOND ") || strings.HasPrefix(line, "FAILED ") {
			c.mu.Lock()
			c.extra(line)
			c.mu.Unlock()
			continue
		}
		c.lines <- line
	}
}

// await gives the next line that begins so, and drops what comes before it.
func (c *consumer) await(within time.Duration, prefix string) (string, error) {
	late := time.After(within)
	for {
		select {
		case line, ok := <-c.lines:
			if !ok {
				return "", fmt.Errorf("%s ended; see %s.err", c.name, c.name)
			}
			if strings.HasPrefix(line, prefix) {
				return line, nil
			}
		case <-late:
			return "", fmt.Errorf("%s: no line %s within %v", c.name, prefix, within)
		}
	}
}

func (c *consumer) say(line string) error {
	_, err := io.WriteString(c.in, line+"\n")
	return err
}

// answer is one call, as the consumer saw it.
type answer struct {
	took time.Duration
	by   string // the pod
	err  error
}

func (c *consumer) call(text string) (answer, error) {
	if err := c.say("call " + text); err != nil {
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
	if err := c.say("stop"); err != nil {
		return nil, "", err
	}
	reads = map[string]int{}
	for {
		select {
		case line, ok := <-c.lines:
			if !ok {
				return reads, total, c.cmd.Wait()
			}
			if f := strings.Fields(line); len(f) == 4 && f[0] == "CONFIG-READ" {
				reads[f[3]+" "+f[2]], err = strconv.Atoi(f[1]) // by "dataId group"
				if err != nil {
					return nil, "", err
				}
			} else if t, ok := strings.CutPrefix(line, "TOTAL "); ok {
				total = t
			}
		case <-time.After(2 * time.Minute):
			return nil, "", fmt.Errorf("%s did not stop", c.name)
		}
	}
}

var inode = regexp.MustCompile(`^socket:\[(\d+)\]$`)

// connections lists the process's established TCP connections to a port, "from → to", sorted.
func (c *consumer) connections(port int) ([]string, error) {
	proc := fmt.Sprintf("/proc/%d", c.cmd.Process.Pid)
	fds, err := os.ReadDir(proc + "/fd")
	if err != nil {
		return nil, err
	}
	own := map[string]bool{}
	for _, fd := range fds {
		if to, err := os.Readlink(filepath.Join(proc, "fd", fd.Name())); err == nil {
			if m := inode.FindStringSubmatch(to); m != nil {
				own[m[1]] = true
			}
		}
	}
	text, err := os.ReadFile(proc + "/net/tcp")
	if err != nil {
		return nil, err
	}
	var all []string
	suffix := fmt.Sprintf(":%04X", port)
	for line := range strings.Lines(string(text)) {
		// sl, local, remote, state (01: established), queues, timer, retransmits, uid, timeout, inode
		if f := strings.Fields(line); len(f) > 9 && own[f[9]] && f[3] == "01" && strings.HasSuffix(f[2], suffix) {
			all = append(all, f[1]+" → "+f[2])
		}
	}
	slices.Sort(all)
	return all, nil
}
