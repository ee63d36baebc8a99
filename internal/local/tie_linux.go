package local

import (
	"os/exec"
	"syscall"
)

// tie makes a command that is yet to be started end with this process, also where that is killed. The kernel means the thread that starts it: whoever does holds on to his until the command
// has ended.
func tie(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
