package keeper

import (
	"context"
	"sync"

	"github.com/dubbofn/dubbofn/invoker/dubbo"
)

// line is a connection to a provider that channels of many borrowers share.
type line struct {
	conn *dubbo.Conn

	mu       sync.Mutex
	going    bool // no channel is added
	channels map[*channel]struct{}
	empty    chan struct{} // closed when the last channel has left and going is set
}

func newLine(c *dubbo.Conn) *line {
	return &line{conn: c, channels: map[*channel]struct{}{}, empty: make(chan struct{})}
}

// add makes a channel one of the line's; false where the line takes none.
func (l *line) add(c *channel) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.going {
		return false
	}
	l.channels[c] = struct{}{}
	return true
}

// busy tells whether there are channels.
func (l *line) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.channels) > 0
}

func (l *line) remove(c *channel) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.channels[c]; !ok {
		return
	}
	delete(l.channels, c)
	if l.going && len(l.channels) == 0 {
		close(l.empty)
	}
}

// finish lets the line end: borrowers are told that the provider is going, and the connection stays for those who use it, until it ends by itself.
func (l *line) finish(ctx context.Context) {
	l.mu.Lock()
	l.going = true
	all := make([]*channel, 0, len(l.channels))
	for c := range l.channels {
		all = append(all, c)
	}
	if len(all) == 0 {
		close(l.empty)
	}
	l.mu.Unlock()
	select {
	case <-l.conn.Done():
	default:
		for _, c := range all {
			c.readonly()
		}
	}
	select {
	case <-l.conn.Done():
	case <-l.empty:
	case <-ctx.Done():
	}
	_ = l.conn.Close()
	for _, c := range all {
		c.close("the connection to the provider ended")
	}
}
