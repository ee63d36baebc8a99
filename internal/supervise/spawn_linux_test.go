package supervise

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ended tells whether a process runs no more; nobody may have asked for its exit status.
func ended(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := bytes.Cut(stat, []byte(") "))
	return err != nil || bytes.HasPrefix(state, []byte("Z"))
}

func TestWhatAProcessStartedAndLeftEndsWithIt(t *testing.T) {
	t.Parallel()
	s := run(t, Config{Idle: 20 * time.Millisecond}, map[string]string{"a": "orphan"})
	s.ask("a", "/echo", "")
	var orphan int
	s.until("the child's word", func() bool {
		_, said, ok := strings.Cut(s.out.String(), "orphan ")
		if ok {
			_, err := fmt.Sscan(said, &orphan)
			ok = err == nil
		}
		return ok
	})
	t.Cleanup(func() {
		if !ended(orphan) {
			_ = syscall.Kill(orphan, syscall.SIGKILL)
		}
	})
	s.until("its end", func() bool { return ended(orphan) })
	s.until("sleep", func() bool { return s.States()[0].Draining == 0 && s.States()[0].Phase == Asleep })
}
