package lent

import (
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/internal/keeperwire"
)

// A keeper that hangs, its connections open, ends the channels within seconds, and they say why; the next connection is made without it.
func TestChannelsOfAKeeperThatHangsEnd(t *testing.T) {
	t.Parallel()
	leave := make(chan struct{})
	b := opened(t, fake(t, false, func(c net.Conn, _ *keeperwire.Reader) {
		_, _ = c.Write(given(t, keeperwire.Answer{Ready: []Target{{Address: "a:1"}}}))
		<-leave
	}))
	defer close(leave)
	c := b.Conn(t.Context(), Target{Address: "a:1"})
	begin := time.Now()
	_, err := c.Read(make([]byte, 1))
	if took := time.Since(begin); !errors.Is(err, errHangs) || took < quietFor || took > 20*time.Second {
		t.Errorf("after %v: %v", took, err)
	}
	if _, err := c.Write([]byte("x")); err == nil {
		t.Error("it takes more")
	}
	b.mu.Lock()
	b.tried = time.Now() // no second attempt
	b.mu.Unlock()
	if b.Conn(t.Context(), Target{Address: "a:1"}) != nil {
		t.Error("a channel to a keeper that hangs")
	}
}

// A keeper that has nothing to say for long keeps its channels, and is asked only while there are any.
func TestAQuietKeeperIsAskedAndKept(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	b := opened(t, fake(t, false, func(c net.Conn, r *keeperwire.Reader) {
		_, _ = c.Write(given(t, keeperwire.Answer{Ready: []Target{{Address: "a:1"}}}))
		for {
			h, body, err := r.Next()
			switch {
			case err != nil:
				return
			case h.Kind == keeperwire.Ping:
				asked.Add(1)
				_, _ = c.Write(keeperwire.Append(nil, keeperwire.Ping, 0, nil))
			case h.Kind == keeperwire.Open:
				_, _ = c.Write(keeperwire.Append(nil, keeperwire.Opened, h.Channel, nil))
			case h.Kind == keeperwire.Data:
				_, _ = c.Write(keeperwire.Append(nil, keeperwire.Data, h.Channel, body))
			}
		}
	}))
	time.Sleep(quietFor + time.Second)
	if n := asked.Load(); n != 0 {
		t.Errorf("asked %d times without a channel", n)
	}
	c := b.Conn(t.Context(), Target{Address: "a:1"})
	time.Sleep(quietFor + (answerIn+4)*probeEvery)
	if n := asked.Load(); n < 1 || n > 5 {
		t.Errorf("asked %d times", n)
	}
	one := make([]byte, 1)
	if _, err := c.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if n, err := c.Read(one); err != nil || string(one[:n]) != "x" {
		t.Errorf("%q, %v", one[:n], err)
	}
}

// Where a channel's user reads nothing, nothing is read of the keeper's either: that is no fault of his.
func TestAKeeperIsNotBlamedForAUserWhoReadsNothing(t *testing.T) {
	t.Parallel()
	b := opened(t, fake(t, false, func(c net.Conn, _ *keeperwire.Reader) {
		_, _ = c.Write(given(t, keeperwire.Answer{Ready: []Target{{Address: "a:1"}, {Address: "b:1"}}}))
		for frame := keeperwire.Append(nil, keeperwire.Data, 1, make([]byte, keeperwire.MaxDataBytes)); ; {
			if _, err := c.Write(frame); err != nil {
				return
			}
		}
	}))
	c, other := b.Conn(t.Context(), Target{Address: "a:1"}), b.Conn(t.Context(), Target{Address: "b:1"})
	time.Sleep(quietFor + (answerIn+4)*probeEvery)
	if !b.Stats().Connected {
		t.Error("the connection was given up")
	}
	for _, c := range []net.Conn{c, other} {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}
