package supervise

import (
	"fmt"
	"net"
	"os/exec"
	"syscall"
)

// tie makes a process that is yet to be started end with this one, and puts it in a group of its own: an interrupt from the terminal
// is for the supervisor, which ends the functions in its own order.
func tie(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// kill ends a process and what it started.
func kill(cmd *exec.Cmd) {
	// It may have ended meanwhile.
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}

// reserve finds a port of 127.0.0.1 that stays free for one who listens there as Go does (with SO_REUSEADDR) until release is
// called: a socket that is bound to it and doesn't listen keeps it from everybody who lets the kernel choose.
func reserve() (port int, release func(), err error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, fmt.Errorf("find a free port: %w", err)
	}
	release = func() { _ = syscall.Close(fd) } // nothing was written to it
	if err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte(net.IPv4(127, 0, 0, 1).To4())})
	}
	var at syscall.Sockaddr
	if err == nil {
		at, err = syscall.Getsockname(fd)
	}
	inet, ok := at.(*syscall.SockaddrInet4)
	if err != nil || !ok {
		release()
		return 0, nil, fmt.Errorf("find a free port: %w", err)
	}
	return inet.Port, release, nil
}
