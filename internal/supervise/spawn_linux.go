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

// sweep waits until a process has ended and kills what it started and left behind, as the end of a container does. The process is not
// reaped yet, so that its number, which is that of its group, is nobody else's.
func sweep(cmd *exec.Cmd) {
	const byNumber = 1 // P_PID
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, byNumber, uintptr(cmd.Process.Pid), 0, syscall.WEXITED|syscall.WNOWAIT, 0, 0)
		if errno != syscall.EINTR {
			break
		}
	}
	kill(cmd)
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
