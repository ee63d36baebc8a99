package supervise

import (
	"os/exec"
	"runtime"
)

// spawner starts processes on a thread of its own: on Linux a process that is to end with its parent ends with the thread that made it, and
// Go ends threads as it likes.
type spawner struct {
	orders chan order
	done   chan struct{}
}

type order struct {
	cmd *exec.Cmd
	err chan error
}

func newSpawner() *spawner {
	s := &spawner{orders: make(chan order), done: make(chan struct{})}
	go s.run()
	return s
}

func (s *spawner) run() {
	defer close(s.done)
	runtime.LockOSThread() // and never unlocked: the thread ends with this goroutine
	for o := range s.orders {
		o.err <- o.cmd.Start()
	}
}

// start may be called until close is.
func (s *spawner) start(cmd *exec.Cmd) error {
	o := order{cmd, make(chan error, 1)}
	s.orders <- o
	return <-o.err
}

// close ends what still runs of the processes, on Linux.
func (s *spawner) close() {
	close(s.orders)
	<-s.done
}
