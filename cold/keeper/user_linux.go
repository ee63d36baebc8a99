package keeper

import (
	"net"
	"syscall"
)

// userOf gives the user of the process at the other end, as it was when it connected (unix(7), SO_PEERCRED).
func userOf(u *net.UnixConn) (uid int, known bool, err error) {
	raw, err := u.SyscallConn()
	if err != nil {
		return 0, false, err
	}
	var cred *syscall.Ucred
	var fault error
	err = raw.Control(func(fd uintptr) {
		cred, fault = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err == nil {
		err = fault
	}
	if err != nil {
		return 0, false, err
	}
	return int(cred.Uid), true, nil
}
