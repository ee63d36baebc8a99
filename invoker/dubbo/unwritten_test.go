package dubbo

import (
	"errors"
	"net"
	"testing"

	"github.com/dubbofn/dubbofn/invoker"
)

// deaf is a connection whose peer has gone without a word: writing alone tells.
type deaf struct {
	net.Conn
	takes int // bytes of the first write
}

func (d deaf) Write([]byte) (int, error) { return d.takes, errors.New("broken pipe") }

func TestACallOfWhichNothingWasWrittenDidNotRun(t *testing.T) {
	t.Parallel()
	for name, takes := range map[string]int{"nothing": 0, "some": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			near, far := net.Pipe()
			c := NewConn(deaf{near, takes}, ConnConfig{})
			t.Cleanup(func() {
				if err := errors.Join(c.Close(), far.Close()); err != nil {
					t.Error(err)
				}
			})
			_, err := c.Invoke(t.Context(), invocation("get"))
			var e *invoker.Error
			if !errors.As(err, &e) || e.Code != invoker.CodeUnavailable || e.MaybeExecuted != (takes > 0) {
				t.Errorf("%v (%+v)", err, e)
			}
		})
	}
}
