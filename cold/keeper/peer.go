package keeper

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/internal/keeperwire"
	"github.com/dubbofn/dubbofn/internal/rights"
)

const (
	handshakeTime = 5 * time.Second
	stuckTime     = 30 * time.Second // how long a borrower may read nothing while there is something for it
)

// peer is a borrower's connection.
type peer struct {
	k    *Keeper
	conn net.Conn
	w    *keeperwire.Writer
	app  *app // once it has proved itself
	who  keeperwire.Who

	inFlight atomic.Int64

	mu       sync.Mutex
	reason   string // why it was cut
	over     bool
	channels map[uint32]*channel
	calls    map[*call]struct{}
}

func newPeer(k *Keeper, conn net.Conn) *peer {
	return &peer{k: k, conn: conn, w: keeperwire.NewWriter(conn, k.cfg.PeerBytes), channels: map[uint32]*channel{}, calls: map[*call]struct{}{}}
}

// run serves a borrower until its connection ends.
func (p *peer) run() {
	log := p.k.cfg.Log
	defer p.k.left(p)
	defer func() { _ = p.conn.Close() }()
	r, err := p.handshake()
	if err != nil {
		if !errors.Is(err, io.EOF) { // a probe that only looks whether somebody listens
			p.k.counts.strangers.Add(1)
			log.Warn("keeper: a borrower was refused", "app", p.who.App, "instance", p.who.Instance, "from", p.conn.RemoteAddr().String(), "error", err)
		}
		return
	}
	first, body, err := r.Next()
	if err == nil && first.Kind == keeperwire.Ask {
		err = p.answer(body, true)
	} else if err == nil {
		err = p.take(first, body)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := p.w.Run(); err != nil {
			p.cut("write: " + err.Error())
		}
	})
	for err == nil {
		var h keeperwire.Header
		if h, body, err = r.Next(); err == nil {
			err = p.take(h, body)
		}
	}
	p.end()
	wg.Wait()
	p.mu.Lock()
	reason := p.reason
	p.mu.Unlock()
	switch {
	case reason != "":
		log.Warn("keeper: a borrower was cut off", "app", p.who.App, "instance", p.who.Instance, "reason", reason)
	case !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed):
		p.k.counts.cut.Add(1)
		log.Info("keeper: a borrower's connection ended", "app", p.who.App, "instance", p.who.Instance, "error", err)
	}
}

// handshake finds out who it is.
func (p *peer) handshake() (*keeperwire.Reader, error) {
	if err := p.conn.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
		return nil, err
	}
	if err := p.k.mayUse(p.conn); err != nil {
		return nil, p.refuse(err)
	}
	var declared App
	h, who, greeting, r, err := keeperwire.Accept(p.conn, func(w keeperwire.Who) (string, error) {
		var ok bool
		if declared, ok = p.k.find(w.App); !ok {
			return "", fmt.Errorf("app %q is not known here", w.App)
		}
		return declared.Token, nil
	})
	p.who = who
	if err != nil {
		return nil, p.refuse(err)
	}
	if _, err := p.conn.Write(greeting); err != nil {
		return nil, err
	}
	head, body, err := r.Next()
	if errors.Is(err, io.EOF) {
		err = errors.New("it left without a proof: the tokens may differ")
	}
	if err != nil {
		return nil, fmt.Errorf("read proof: %w", err)
	}
	if err := h.Proved(head.Kind, body); err != nil {
		return nil, p.refuse(err)
	}
	if err := p.k.join(p, declared); err != nil {
		return nil, p.refuse(err)
	}
	return r, p.conn.SetDeadline(time.Time{})
}

// refuse tells the borrower why.
func (p *peer) refuse(why error) error {
	if !errors.Is(why, io.EOF) {
		_ = p.conn.SetDeadline(time.Now().Add(time.Second))
		_, _ = p.conn.Write(keeperwire.AppendWhy(nil, keeperwire.Refused, 0, why.Error())) // it may be gone
	}
	return why
}

// take does what one frame asks for. An error ends the connection.
func (p *peer) take(h keeperwire.Header, body []byte) error {
	switch h.Kind {
	case keeperwire.Ask:
		return p.answer(body, false)
	case keeperwire.Learn:
		return p.learn(body)
	case keeperwire.Open:
		return p.open(h.Channel, body)
	case keeperwire.Ping:
		return p.send(keeperwire.HeaderBytes, func(b []byte) []byte { return keeperwire.Append(b, keeperwire.Ping, 0, nil) })
	case keeperwire.Data:
		p.mu.Lock()
		c := p.channels[h.Channel]
		p.mu.Unlock()
		if c == nil {
			return nil // closed by this side, which the other has not heard yet
		}
		return c.data(body)
	case keeperwire.Close:
		p.mu.Lock()
		c := p.channels[h.Channel]
		p.mu.Unlock()
		if c != nil {
			c.leave()
		}
		return nil
	}
	return fmt.Errorf("%v is nothing that a borrower sends", h.Kind)
}

// answer gives what is kept: connections themselves with the first frame of a unix socket, when nothing else is being written.
func (p *peer) answer(body []byte, first bool) error {
	var q keeperwire.Question
	if err := keeperwire.Parse(body, &q); err != nil {
		return fmt.Errorf("read ask: %w", err)
	}
	var a keeperwire.Answer
	u, isUnix := p.conn.(*net.UnixConn)
	var lent []net.Conn
	if q.Lend && first && isUnix {
		var done func()
		a.Lent, lent, done = p.app.lend()
		defer done()
	}
	a.Ready = p.app.ready()
	frame, err := keeperwire.AppendMessage(nil, keeperwire.Given, 0, a)
	if err != nil {
		return err
	}
	state := p.app.registryState()
	if !first {
		return p.send(len(frame)+len(state), func(b []byte) []byte {
			return keeperwire.Append(append(b, frame...), keeperwire.State, 0, state)
		})
	}
	if err := p.conn.SetWriteDeadline(time.Now().Add(handshakeTime)); err != nil {
		return err
	}
	if isUnix {
		err = rights.Send(u, frame, lent)
		frame = nil
	}
	if err == nil {
		_, err = p.conn.Write(keeperwire.Append(frame, keeperwire.State, 0, state))
	}
	if err != nil {
		return fmt.Errorf("write given: %w", err)
	}
	p.k.counts.lent.Add(int64(len(lent)))
	return p.conn.SetWriteDeadline(time.Time{})
}

// learn keeps what the application uses from now on. What it may not have, or has no room, is logged and left out.
func (p *peer) learn(body []byte) error {
	var l keeperwire.Lesson
	if err := keeperwire.Parse(body, &l); err != nil {
		return fmt.Errorf("read learn: %w", err)
	}
	declared, ok := p.k.find(p.app.name)
	if !ok {
		return errors.New("the application was taken out")
	}
	err := errors.Join(p.app.want(declared, l.Lend, false), p.app.want(declared, l.Relay, true), p.app.follow(l.Watches))
	if err != nil {
		p.k.cfg.Log.Warn("keeper: not everything that a function uses is kept for it", "app", p.app.name, "instance", p.who.Instance, "error", err)
	}
	return nil
}

// send queues frames for the borrower. One that doesn't read is cut off.
func (p *peer) send(bytes int, add func([]byte) []byte) error {
	if p.w.Send(bytes, add) {
		return nil
	}
	p.cut("it does not read what it asked for")
	return errors.New("no room for an answer")
}

// cut ends the borrower's connection.
func (p *peer) cut(reason string) {
	p.mu.Lock()
	if p.reason == "" && !p.over {
		p.reason = reason
		p.k.counts.cut.Add(1)
	}
	p.mu.Unlock()
	_ = p.conn.Close()
	p.w.Stop()
}

// end lets go of all that the borrower had.
func (p *peer) end() {
	_ = p.conn.Close()
	p.w.Stop()
	p.mu.Lock()
	p.over = true
	channels, calls := p.channels, p.calls
	p.channels, p.calls = nil, nil
	p.mu.Unlock()
	for c := range calls {
		c.forget()
	}
	for _, c := range channels {
		c.line.remove(c)
	}
}

// tend ends calls whose time is over, and the connection of a borrower that reads nothing.
func (p *peer) tend(now time.Time) {
	if p.w.Stuck(stuckTime) {
		p.cut("it read nothing for " + stuckTime.String())
		return
	}
	var late []*call
	p.mu.Lock()
	for c := range p.calls {
		if now.After(c.deadline) {
			late = append(late, c)
			delete(p.calls, c)
		}
	}
	p.mu.Unlock()
	for _, c := range late {
		p.k.counts.late.Add(1)
		c.forget()
	}
}

// done tells that a call has ended: false where it was ended by somebody else.
func (p *peer) done(c *call) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.calls[c]; !ok {
		return false
	}
	delete(p.calls, c)
	return true
}
