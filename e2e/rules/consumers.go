package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
)

// goConsumer is ours.
type goConsumer struct {
	ctx     context.Context
	service *client.Service
}

func (*goConsumer) name() string { return "Go" }

// outcome tells in the words of the kit's Ask how a call went.
func outcome(err error) string {
	if code, _ := invoker.CodeOf(err); code == invoker.CodeTimeout {
		return "timeout"
	}
	if err != nil {
		return "error " + err.Error()
	}
	return "ok"
}

func (g *goConsumer) ask(line string) (string, error) {
	words := strings.Fields(line)
	n, err := strconv.Atoi(words[1])
	if err != nil {
		return "", err
	}
	if words[0] == "sleep" {
		var s string
		return outcome(g.service.Call(g.ctx, "sleep", &s, int64(n))), nil
	}
	by := map[string]int{}
	for range n {
		var who string
		inv := &invoker.Invocation{Method: "whoami", Into: &who}
		for _, pair := range words[2:] {
			key, value, _ := strings.Cut(pair, "=")
			inv.Attachments.Set(key, value)
		}
		switch _, err := g.service.Invoke(g.ctx, inv); {
		case errors.Is(err, cluster.ErrNoProvider):
			who = "none"
		case err != nil:
			who = "error"
			fmt.Fprintln(os.Stderr, err)
		}
		by[who]++
	}
	answer := []string{"who"}
	for who, n := range by {
		answer = append(answer, fmt.Sprint(who, "=", n))
	}
	slices.Sort(answer[1:])
	return strings.Join(answer, " "), nil
}

// javaConsumer is the kit's Ask.
type javaConsumer struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startJava(ctx context.Context, command []string) (*javaConsumer, error) {
	j := &javaConsumer{cmd: exec.CommandContext(ctx, command[0], command[1:]...)}
	j.cmd.Stderr = os.Stderr
	in, err := j.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := j.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	j.in, j.out = in, bufio.NewReader(out)
	if err := j.cmd.Start(); err != nil {
		return nil, err
	}
	for {
		line, err := j.out.ReadString('\n')
		if err != nil {
			return nil, errors.Join(fmt.Errorf("the Java consumer ended before it was ready: %w", err), j.close())
		}
		if strings.HasPrefix(line, "ASK-READY") {
			return j, nil
		}
	}
}

func (*javaConsumer) name() string { return "Java" }

func (j *javaConsumer) ask(line string) (string, error) {
	if _, err := fmt.Fprintln(j.in, line); err != nil {
		return "", err
	}
	answer, err := j.out.ReadString('\n')
	return strings.TrimSpace(answer), err
}

func (j *javaConsumer) close() error {
	return errors.Join(j.in.Close(), j.cmd.Wait())
}
