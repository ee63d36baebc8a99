// Package jvm runs the kit's Java consumers, which are told on their standard input what to call and say on their standard output what came of it.
package jvm

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"
)

const (
	readyWithin = 2 * time.Minute
	endWithin   = 10 * time.Second
)

// Process is a consumer. Safe for concurrent use.
type Process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // how it ended

	mu sync.Mutex // of what is written
	in io.WriteCloser
}

// Start runs a command until it says a line that begins with ready; each gets every line after that, one after the other. What it says on its standard error goes to errs.
func Start(ctx context.Context, command []string, errs io.Writer, ready string, each func(line string)) (*Process, error) {
	p := &Process{cmd: exec.CommandContext(ctx, command[0], command[1:]...), ended: make(chan struct{})}
	p.cmd.Stderr = errs
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	isReady := make(chan struct{})
	go p.read(out, ready, isReady, each)
	select {
	case <-isReady:
		return p, nil
	case <-p.ended:
		return nil, fmt.Errorf("the Java consumer ended before it said %s", ready)
	case <-time.After(readyWithin):
		p.Kill()
		return nil, fmt.Errorf("the Java consumer did not say %s within %v", ready, readyWithin)
	}
}

func (p *Process) read(out io.Reader, ready string, isReady chan<- struct{}, each func(string)) {
	begun := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		switch line := lines.Text(); {
		case begun:
			each(line)
		case strings.HasPrefix(line, ready):
			begun = true
			close(isReady)
		}
	}
	p.err = p.cmd.Wait()
	close(p.ended)
}

// Say writes a line.
func (p *Process) Say(line string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := io.WriteString(p.in, line+"\n")
	return err
}

// Ended is closed when it has ended, after the last line; Err then tells how.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Err is nil where it ended with 0.
func (p *Process) Err() error { return p.err }

// End closes its standard input, at which it ends, and kills it where it does not.
func (p *Process) End() {
	_ = p.in.Close() // it may have ended
	select {
	case <-p.ended:
	case <-time.After(endWithin):
		p.Kill()
	}
}

// Kill ends it, unless it has ended.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // as above
	<-p.ended
}
