package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// javaConsumer is the kit's Counted: a Java consumer whose calls are asked for here.
type javaConsumer struct {
	cmd   *exec.Cmd
	ready chan struct{}
	ended chan struct{}

	mu      sync.Mutex
	in      io.WriteCloser
	pending map[string]chan string
}

// javaError is what a Java consumer got instead of a result.
type javaError string

func (e javaError) Error() string { return string(e) }

// gaveUp tells that the consumer stopped waiting: nobody told it anything.
func (e javaError) gaveUp() bool {
	return strings.Contains(string(e), "by scan timer") || strings.Contains(string(e), noAnswer)
}

const (
	noAnswer = "nothing came from the Java consumer"
	javaTime = 2 * published
)

func startJava(command []string, errs io.Writer) (*javaConsumer, error) {
	j := &javaConsumer{ready: make(chan struct{}), ended: make(chan struct{}), pending: map[string]chan string{}}
	j.cmd = exec.Command(command[0], command[1:]...)
	j.cmd.Stderr = errs
	out, err := j.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if j.in, err = j.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := j.cmd.Start(); err != nil {
		return nil, err
	}
	go j.read(out)
	select {
	case <-j.ready:
		return j, nil
	case <-j.ended:
		return nil, errors.New("the Java consumer ended")
	case <-time.After(2 * time.Minute):
		return nil, errors.Join(errors.New("the Java consumer is not ready after two minutes"), j.end())
	}
}

func (j *javaConsumer) read(r io.Reader) {
	ready := sync.OnceFunc(func() { close(j.ready) })
	for lines := bufio.NewScanner(r); lines.Scan(); {
		words := strings.SplitN(lines.Text(), " ", 3)
		switch {
		case words[0] == "COUNTED-READY":
			ready()
		case words[0] == "DONE" && len(words) == 3:
			j.mu.Lock()
			done := j.pending[words[1]]
			delete(j.pending, words[1])
			j.mu.Unlock()
			if done != nil {
				done <- words[2]
			}
		}
	}
	_ = j.cmd.Wait() // how it ended says its log
	close(j.ended)
}

// call has it make a call, and waits for what it says of that.
func (j *javaConsumer) call(id, method string, n int64, millis int32) (int64, error) {
	done := make(chan string, 1)
	j.mu.Lock()
	j.pending[id] = done
	_, err := fmt.Fprintf(j.in, "%s %s %d %d\n", id, method, n, millis)
	j.mu.Unlock()
	if err != nil {
		return 0, javaError(noAnswer + ": " + err.Error())
	}
	select {
	case said := <-done:
		what, rest, _ := strings.Cut(said, " ")
		if what != "ok" {
			return 0, javaError(rest)
		}
		return strconv.ParseInt(rest, 10, 64)
	case <-j.ended:
		return 0, javaError(noAnswer + ": it ended")
	case <-time.After(javaTime):
		return 0, javaError(noAnswer)
	}
}

func (j *javaConsumer) end() error {
	err := j.in.Close()
	select {
	case <-j.ended:
		return err
	case <-time.After(10 * time.Second):
		return errors.Join(err, j.cmd.Process.Signal(os.Kill))
	}
}
