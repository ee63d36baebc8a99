//go:build !linux

package local

import "os/exec"

func tie(*exec.Cmd) {}
