package lent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/internal/keeperwire"
	"github.com/dubbofn/dubbofn/internal/rights"
)

const (
	patience   = 5 * time.Second // for the keeper to answer at all; nobody waits for it that long
	queueBytes = 1 << 20
	trustFor   = 2 * time.Second // how long the keeper's word counts that it has a connection
)

// link is one connection with the keeper.
type link struct {
	conn   net.Conn
	r      *keeperwire.Reader
	w      *keeperwire.Writer
	rights *rights.Reader // nil over TCP
	pulse  *pulse

	answer keeperwire.Answer
	conns  []net.Conn // those of answer.Lent
	state  []byte

	mu       sync.Mutex
	over     bool
	why      error // it is over
	next     uint32
	asked    time.Time       // when the keeper answered
	ready    map[Target]bool // what it said it has then, and nobody has opened yet
	channels map[uint32]*channel
}

// dial connects, proves who it is and asks for all there is.
func dial(ctx context.Context, c Config, lend bool) (*link, error) {
	kind, where := network(c.Address)
	d := net.Dialer{Timeout: patience}
	conn, err := d.DialContext(ctx, kind, where)
	if err != nil {
		return nil, err
	}
	l := &link{conn: conn, w: keeperwire.NewWriter(conn, queueBytes), ready: map[Target]bool{}, channels: map[uint32]*channel{}}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	var src io.Reader = conn
	if u, ok := conn.(*net.UnixConn); ok {
		l.rights = rights.NewReader(u)
		src = l.rights
	}
	l.pulse = newPulse(src)
	l.r = keeperwire.NewReader(l.pulse)
	if err = conn.SetDeadline(time.Now().Add(patience)); err == nil {
		err = l.ask(c, lend)
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		l.end()
		for _, c := range l.conns {
			_ = c.Close()
		}
		return nil, err
	}
	return l, nil
}

func (l *link) ask(c Config, lend bool) error {
	shake, hello, err := keeperwire.Begin(c.App, c.Instance, c.Token)
	if err != nil {
		return err
	}
	if _, err := l.conn.Write(hello); err != nil {
		return err
	}
	h, body, err := l.r.Next()
	if err != nil {
		return fmt.Errorf("read greeting: %w", err)
	}
	out, err := shake.Greeted(h.Kind, body)
	if err != nil {
		return err
	}
	if out, err = keeperwire.AppendMessage(out, keeperwire.Ask, 0, keeperwire.Question{Lend: lend && l.rights != nil}); err != nil {
		return err
	}
	if _, err := l.conn.Write(out); err != nil {
		return err
	}
	if body, err = l.expect(keeperwire.Given); err != nil {
		return err
	}
	if err := keeperwire.Parse(body, &l.answer); err != nil {
		return fmt.Errorf("read given: %w", err)
	}
	if l.rights != nil {
		if l.conns, err = l.rights.Conns(len(l.answer.Lent)); err != nil {
			return err
		}
	} else if len(l.answer.Lent) > 0 {
		return errors.New("read given: connections are lent over TCP")
	}
	for _, t := range l.answer.Ready {
		l.ready[t] = true
	}
	if body, err = l.expect(keeperwire.State); err != nil {
		return err
	}
	l.state = append([]byte(nil), body...)
	if l.rights != nil {
		l.rights.Close() // no more are due
	}
	l.asked = time.Now()
	return nil
}

// expect reads a frame of a kind.
func (l *link) expect(k keeperwire.Kind) ([]byte, error) {
	h, body, err := l.r.Next()
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %v: %w", k, err)
	case h.Kind == keeperwire.Refused:
		return nil, fmt.Errorf("%w: %q", keeperwire.ErrRefused, body)
	case h.Kind != k:
		return nil, fmt.Errorf("read %v: it is %v", k, h.Kind)
	}
	return body, nil
}

// run reads until the connection ends, and then ends all channels.
func (l *link) run() error {
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := l.w.Run(); err != nil {
			_ = l.conn.Close()
		}
	})
	done := make(chan struct{})
	wg.Go(func() { l.watch(done) })
	err := l.read()
	close(done)
	l.fail(io.EOF)
	wg.Wait()
	if errors.Is(err, net.ErrClosed) { // by this side
		err = l.why
	}
	return err
}

func (l *link) read() error {
	for {
		h, body, err := l.r.Next()
		if err != nil {
			return err
		}
		l.mu.Lock()
		c := l.channels[h.Channel]
		l.mu.Unlock()
		switch {
		case h.Kind == keeperwire.Refused:
			return fmt.Errorf("%w: %q", keeperwire.ErrRefused, body)
		case c == nil: // closed by this side
		case h.Kind == keeperwire.Data:
			c.arrived(body, l.pulse)
		case h.Kind == keeperwire.Opened:
			c.decided(nil)
		case h.Kind == keeperwire.Close:
			l.forget(c)
			c.ended(fmt.Errorf("the keeper closed the channel: %q", body))
		}
	}
}

// end closes the connection and all channels.
func (l *link) end() { l.fail(io.EOF) }

// fail is end with the reason that channels give.
func (l *link) fail(why error) {
	l.mu.Lock()
	if !l.over {
		l.over, l.why = true, why
	}
	why = l.why
	all := l.channels
	l.channels = nil
	l.mu.Unlock()
	_ = l.conn.Close()
	l.w.Stop()
	if l.rights != nil {
		l.rights.Close()
	}
	for _, c := range all {
		c.ended(why)
	}
}

func (l *link) forget(c *channel) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.channels[c.id] == c {
		delete(l.channels, c.id)
	}
}

// learn tells the keeper what is used. Where there is no room for it, it is lost: the next process tells it again.
func (l *link) learn(lesson keeperwire.Lesson) {
	frame, err := keeperwire.AppendMessage(nil, keeperwire.Learn, 0, lesson)
	if err == nil {
		l.w.Send(len(frame), func(b []byte) []byte { return append(b, frame...) })
	}
}

// open gives a channel to a target. Where the keeper has just said that it can be opened nobody waits for it to say so again: once, and not for long, for
// by then the provider may be gone, or the keeper hang, and calls be lost on the way that another connection would have carried.
func (l *link) open(ctx context.Context, t Target, budget time.Duration) net.Conn {
	frame, err := keeperwire.AppendMessage(nil, keeperwire.Open, 0, t)
	if err != nil || t.Validate() != nil {
		return nil
	}
	l.mu.Lock()
	if l.over {
		l.mu.Unlock()
		return nil
	}
	l.next++
	c := newChannel(l, l.next, t)
	l.channels[c.id] = c
	ready := l.ready[t] && time.Since(l.asked) < trustFor
	delete(l.ready, t)
	l.mu.Unlock()
	if !l.w.Send(len(frame), func(b []byte) []byte {
		return keeperwire.Append(b, keeperwire.Open, c.id, frame[keeperwire.HeaderBytes:])
	}) {
		_ = c.Close()
		return nil
	}
	if ready {
		return c
	}
	timer := time.NewTimer(budget)
	defer timer.Stop()
	select {
	case err = <-c.decision:
	case <-timer.C:
		err = errors.New("the keeper took too long")
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		_ = c.Close()
		return nil
	}
	return c
}
