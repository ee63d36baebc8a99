package start

import (
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// begin starts cmd from a thread that is on the core: the process is from its first moment, without a program such as taskset before it, whose
// own start would count. exited is closed when the process has ended, which it does when the harness does.
func begin(cmd *exec.Cmd, core int) (begun time.Time, exited <-chan struct{}, err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // when the thread ends: it waits below
	started, done := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with this goroutine
		if core >= 0 {
			if err := pin(core); err != nil {
				started <- err
				return
			}
		}
		begun = time.Now()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // it is killed
		}
	}()
	err = <-started
	return begun, done, err
}

// pin has this thread run on one core.
func pin(core int) error {
	var set [16]uint64
	set[core/64%len(set)] = 1 << (core % 64)
	if _, _, e := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set))); e != 0 {
		return fmt.Errorf("pin to core %d: %w", core, e)
	}
	return nil
}
