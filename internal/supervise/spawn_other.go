//go:build !linux

package supervise

import (
	"fmt"
	"net"
	"os/exec"
)

func tie(*exec.Cmd) {}

func kill(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

func sweep(*exec.Cmd) {}

// reserve finds a port that is free now.
func reserve() (port int, release func(), err error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, nil, fmt.Errorf("find a free port: %w", err)
	}
	at, _ := l.Addr().(*net.TCPAddr)
	return at.Port, func() {}, l.Close()
}
