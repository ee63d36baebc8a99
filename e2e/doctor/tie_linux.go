package main

import (
	"os/exec"
	"syscall"
)

// tie has a child end with this process, whatever ends that one.
func tie(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
