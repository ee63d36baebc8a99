package keeper

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/dubbofn/dubbofn/internal/keeperwire"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
)

// A frame of Dubbo (Java: ExchangeCodec, 3.3): 16 bytes of header, with the magic da bb, flags in the third byte (0x80 request, 0x40 two-way, 0x20 event), the number in the fifth to the
// twelfth, the body's length in the last four.
const (
	frameHeader  = 16
	flagRequest  = 0x80
	flagTwoWay   = 0x40
	flagEvent    = 0x20
	firstOfBody  = 16 << 10 // a body's room grows with what arrives, from this
	heartbeatFor = 30 * time.Second
	bigAnswer    = 64 << 10
)

// readonlyEvent is what a provider that is going sends (Java: CommonConstants.READONLY_EVENT).
const readonlyEvent = "\xda\xbb\xa2\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x01R"

// channel is a borrower's way to one provider.
type channel struct {
	p    *peer
	id   uint32
	line *line
	buf  []byte // of a frame that is arriving; of the borrower's reader alone
}

// open begins a channel, or says at once that there is no connection to pass frames on to. Such a target is kept from now on, if it may be.
func (p *peer) open(id uint32, body []byte) error {
	var key keeperwire.Target
	if err := keeperwire.Parse(body, &key); err != nil {
		return fmt.Errorf("read open: %w", err)
	}
	p.mu.Lock()
	_, twice := p.channels[id]
	full := len(p.channels) >= p.k.cfg.MaxChannels
	p.mu.Unlock()
	switch {
	case twice:
		return fmt.Errorf("channel %d is open already", id)
	case full:
		p.k.counts.refused.Add(1)
		return p.unopened(id, fmt.Sprintf("%d channels are open (limit %d)", p.k.cfg.MaxChannels, p.k.cfg.MaxChannels))
	}
	l := p.app.lineTo(key)
	if l == nil {
		declared, _ := p.k.find(p.app.name)
		if err := p.app.want(declared, []keeperwire.Target{key}, true); err != nil {
			return p.unopened(id, err.Error())
		}
		return p.unopened(id, "there is no connection so far")
	}
	c := &channel{p: p, id: id, line: l}
	p.mu.Lock()
	if !p.over {
		p.channels[id] = c
	}
	p.mu.Unlock()
	if !l.add(c) {
		c.leave()
		return p.unopened(id, "the provider is going")
	}
	p.k.counts.opened.Add(1)
	return p.send(keeperwire.HeaderBytes, func(b []byte) []byte { return keeperwire.Append(b, keeperwire.Opened, id, nil) })
}

func (p *peer) unopened(id uint32, why string) error {
	return p.send(keeperwire.HeaderBytes+len(why), func(b []byte) []byte { return keeperwire.AppendWhy(b, keeperwire.Close, id, why) })
}

// leave ends the channel without a word to the borrower.
func (c *channel) leave() bool {
	p := c.p
	p.mu.Lock()
	mine := p.channels[c.id] == c
	if mine {
		delete(p.channels, c.id)
	}
	var calls []*call
	for x := range p.calls {
		if x.c == c {
			calls = append(calls, x)
			delete(p.calls, x)
		}
	}
	p.mu.Unlock()
	for _, x := range calls {
		x.forget()
	}
	c.line.remove(c)
	return mine
}

// close ends the channel and says why.
func (c *channel) close(why string) {
	if c.leave() {
		_ = c.p.unopened(c.id, why) // one that does not read is cut off
	}
}

// readonly tells the borrower that the provider is going.
func (c *channel) readonly() { c.write([]byte(readonlyEvent)) }

// write sends bytes of the provider's to the borrower.
func (c *channel) write(b []byte) {
	k := c.p.k
	pieces := 1 + len(b)/keeperwire.MaxDataBytes
	if len(b) > bigAnswer { // small ones are bounded by the calls in flight
		if all, most := k.unread(); all+int64(len(b)) > int64(k.cfg.TotalBytes) && most != nil {
			most.cut("it leaves more unread than all others, and there is no room left")
		}
	}
	_ = c.p.send(len(b)+pieces*keeperwire.HeaderBytes, func(out []byte) []byte { // one that does not read is cut off
		for len(b) > 0 {
			n := min(len(b), keeperwire.MaxDataBytes)
			out = keeperwire.Append(out, keeperwire.Data, c.id, b[:n])
			b = b[n:]
		}
		return out
	})
}

// data takes bytes of the borrower's, and passes on what has become a whole frame. An error ends the borrower's connection.
func (c *channel) data(b []byte) error {
	for len(b) > 0 {
		if len(c.buf) == 0 && len(b) >= frameHeader {
			if n, err := c.size(b); err != nil {
				return err
			} else if n <= len(b) {
				c.pass(append([]byte(nil), b[:n]...)) // the usual case: it is whole
				b = b[n:]
				continue
			}
		}
		want := frameHeader
		if len(c.buf) >= frameHeader {
			n, err := c.size(c.buf)
			if err != nil {
				return err
			}
			want = n
		}
		k := min(len(b), want-len(c.buf))
		if err := c.gather(b[:k], want); err != nil {
			return err
		}
		b = b[k:]
		if len(c.buf) >= frameHeader {
			n, err := c.size(c.buf)
			if err != nil {
				return err
			}
			if n == len(c.buf) {
				whole := c.buf
				c.buf = nil
				c.pass(whole)
			}
		}
	}
	return nil
}

// gather keeps bytes of a frame that is not whole yet.
func (c *channel) gather(b []byte, want int) error {
	n := len(c.buf) + len(b)
	if limit := c.p.k.cfg.PeerBytes; n > firstOfBody && c.p.arriving()+len(b) > limit {
		return fmt.Errorf("frames of more than %d bytes have begun to arrive", limit)
	}
	if cap(c.buf) < n {
		room := min(want, max(firstOfBody, 2*n))
		c.buf = append(make([]byte, 0, max(room, n)), c.buf...)
	}
	c.buf = append(c.buf, b...)
	return nil
}

// arriving is how many bytes of frames there are that are not whole yet. It is for the borrower's reader, which alone touches them.
func (p *peer) arriving() (bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.channels {
		bytes += len(c.buf)
	}
	return bytes
}

// size gives a frame's length, from its header.
func (c *channel) size(b []byte) (int, error) {
	if b[0] != 0xda || b[1] != 0xbb {
		return 0, fmt.Errorf("channel %d: a frame begins with %x (magic dabb)", c.id, b[:2])
	}
	n := int64(binary.BigEndian.Uint32(b[12:]))
	if n > int64(c.p.k.cfg.MaxBytes) {
		return 0, fmt.Errorf("channel %d: a frame's body has %d bytes (limit %d)", c.id, n, c.p.k.cfg.MaxBytes)
	}
	return frameHeader + int(n), nil
}

// call is a frame that was passed on.
type call struct {
	c        *channel
	head     [frameHeader]byte // as the borrower sent it
	deadline time.Time
	f        *dubbo.Forwarded // nil until it was passed on
}

func (x *call) forget() {
	x.c.p.inFlight.Add(-1)
	x.c.p.mu.Lock()
	f := x.f
	x.c.p.mu.Unlock()
	if f != nil {
		f.Forget()
	}
}

// pass passes a frame on. What can't be is answered, where somebody waits.
func (c *channel) pass(frame []byte) {
	p, k := c.p, c.p.k
	flags := frame[2]
	if flags&flagRequest == 0 || flags&(flagEvent|flagTwoWay) == flagEvent {
		return // answers to heartbeats that nobody sent, and events, which no consumer sends
	}
	k.counts.relayed.Add(1)
	if flags&flagTwoWay == 0 {
		if _, err := c.line.conn.Forward(frame, func([]byte, error) {}); err != nil {
			k.counts.refused.Add(1)
			k.cfg.Log.Warn("keeper: a one-way call was lost", "app", p.app.name, "target", c.line.conn.Remote(), "error", err)
		}
		return
	}
	x := &call{c: c}
	copy(x.head[:], frame)
	if n := p.inFlight.Add(1); n > int64(k.cfg.MaxInFlight) {
		p.inFlight.Add(-1)
		k.counts.refused.Add(1)
		c.write(dubbo.AppendRefusal(nil, x.head[:], invoker.Errorf(invoker.CodeExhausted, "relay", "%d calls in flight (limit %d)", k.cfg.MaxInFlight, k.cfg.MaxInFlight)))
		return
	}
	x.deadline = time.Now().Add(k.patience(frame))
	p.mu.Lock()
	if p.over {
		p.mu.Unlock()
		p.inFlight.Add(-1)
		return
	}
	p.calls[x] = struct{}{}
	p.mu.Unlock()
	f, err := c.line.conn.Forward(frame, x.answer)
	if err != nil {
		x.answer(nil, err)
		return
	}
	p.mu.Lock()
	x.f = f
	_, waits := p.calls[x]
	p.mu.Unlock()
	if !waits {
		f.Forget() // it was ended meanwhile; that does nothing where it was answered
	}
}

// answer gives the borrower the provider's answer, or the reason why there is none.
func (x *call) answer(response []byte, err error) {
	p := x.c.p
	if !p.done(x) {
		return
	}
	p.inFlight.Add(-1)
	if err != nil {
		if e := (*invoker.Error)(nil); errors.As(err, &e) && !e.MaybeExecuted {
			p.k.counts.refused.Add(1)
		}
		response = dubbo.AppendRefusal(nil, x.head[:], err)
	}
	x.c.write(response)
}

// patience is how long a call is waited for.
func (k *Keeper) patience(frame []byte) time.Duration {
	if frame[2]&flagEvent != 0 {
		return heartbeatFor
	}
	if d := dubbo.Patience(frame); d > 0 {
		return min(d, k.cfg.CallTimeout)
	}
	return k.cfg.CallTimeout
}
