package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
)

// piped is a process that says things in lines, when it is asked by an empty one, and ends with its input.
type piped struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startPiped(cmd *exec.Cmd, env ...string) (*piped, error) {
	cmd.Env = append(cmd.Env, env...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &piped{cmd, in, bufio.NewScanner(out)}, nil
}

func (p *piped) say() error {
	_, err := io.WriteString(p.in, "\n")
	return err
}

func (p *piped) line() ([]byte, error) {
	if !p.out.Scan() {
		return nil, fmt.Errorf("%s says nothing: %w", p.cmd.Args, errors.Join(p.out.Err(), io.ErrUnexpectedEOF))
	}
	return p.out.Bytes(), nil
}

func (p *piped) read(v any) error {
	b, err := p.line()
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// held asks the activator what it holds.
func (p *piped) held() (f footprint, err error) {
	if err := p.say(); err != nil {
		return f, err
	}
	return f, p.read(&f)
}

func (p *piped) stop() error {
	_ = p.in.Close() // it ends with its input
	return p.cmd.Wait()
}

// port is an address's.
func port(address string) string {
	_, p, _ := net.SplitHostPort(address)
	return p
}
