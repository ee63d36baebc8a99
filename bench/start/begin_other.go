//go:build !linux

package start

import (
	"os/exec"
	"time"
)

// begin starts cmd wherever the kernel likes. exited is closed when the process has ended.
func begin(cmd *exec.Cmd, _ int) (begun time.Time, exited <-chan struct{}, err error) {
	begun = time.Now()
	if err := cmd.Start(); err != nil {
		return begun, nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // it is killed
	}()
	return begun, done, nil
}
