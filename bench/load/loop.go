package load

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/dubbofn/dubbofn/bench/service/measure"
)

// inlineBytes is how much may be on its way to a provider at most for the reader to write it itself: so much fits the
// socket buffers. More is written by a goroutine of its own, else both ends could wait for the other to read.
const inlineBytes = 64 << 10

// loop is one connection with its calls. It is a closed loop: a call begins when another ends. A loop of a single call puts its connection
// behind those that rest and takes the first of them, before every call.
type loop struct {
	conn      net.Conn
	resting   chan net.Conn
	testCase  Case
	plan      Plan
	want      expected
	requests  [][]byte // each in turn
	next      int
	slots     []slot // an id is a slot's number plus a multiple of their count
	in, out   []byte
	histogram *measure.Histogram // apart, so that the collector need not look at it
	seen      uint64
	decoded   uint64
	begun     int
	waiting   int
	write     func([]byte) error
}

type slot struct {
	id   uint64
	at   time.Duration // since the start of the run
	busy bool
}

// newLoop has one of the connections that rest.
func newLoop(p Plan, c Case, requests [][]byte, next int, want expected, inFlight int, resting chan net.Conn) *loop {
	reply := headerBytes + want.length
	room := max(min(256<<10, inFlight*reply), 2*reply, 4<<10) // replies that may come together, events beside them
	return &loop{conn: <-resting, resting: resting, testCase: c, plan: p, want: want, requests: requests, next: next,
		slots: make([]slot, inFlight), in: make([]byte, 0, room), histogram: &measure.Histogram{}}
}

// Run calls until the plan's time or count is used up, and then until every reply is there.
func (l *loop) Run(_ context.Context, start time.Time) error {
	l.write = l.writeInline
	if len(l.slots) > 1 && len(l.slots)*len(l.requests[0]) > inlineBytes {
		w := newWriter(l.conn)
		defer w.close()
		l.write = w.write
	}
	for i := range l.slots {
		l.slots[i].id = uint64(i)
		l.call(&l.slots[i], time.Since(start))
	}
	for l.waiting > 0 {
		if len(l.out) > 0 {
			if err := l.write(l.out); err != nil {
				return fmt.Errorf("run load: %w", err)
			}
			l.out = l.out[:0]
		}
		if err := l.read(); err != nil {
			return err
		}
		if err := l.take(time.Since(start)); err != nil {
			return err
		}
		if len(l.slots) == 1 && len(l.in) == 0 { // no part of an event is left
			l.resting <- l.conn
			l.conn = <-l.resting
		}
	}
	return nil
}

// Noted gives the times, and how many replies were decoded in full.
func (l *loop) Noted() (times *measure.Histogram, decoded uint64) { return l.histogram, l.decoded }

func (l *loop) writeInline(b []byte) error {
	_, err := l.conn.Write(b)
	return err
}

// call puts the next request of a slot into the output.
func (l *loop) call(s *slot, now time.Duration) {
	s.id += uint64(len(l.slots))
	s.at, s.busy = now, true
	l.begun++
	l.waiting++
	at := len(l.out)
	l.out = append(l.out, l.requests[l.next]...)
	if l.next++; l.next == len(l.requests) {
		l.next = 0
	}
	binary.BigEndian.PutUint64(l.out[at+4:], s.id)
}

// read adds to the input what has come, at least a byte.
func (l *loop) read() error {
	if len(l.in) == cap(l.in) {
		return fmt.Errorf("read reply: it does not end within %d bytes", cap(l.in))
	}
	n, err := l.conn.Read(l.in[len(l.in):cap(l.in)])
	l.in = l.in[:len(l.in)+n]
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("the provider closed the connection with %d calls open", l.waiting)
		}
		return fmt.Errorf("read reply: %w", err)
	}
	return nil
}

// take goes through the replies that are complete, checks each, and begins a new call for each.
func (l *loop) take(now time.Duration) error {
	rest := l.in
	for len(rest) >= headerBytes {
		h, err := parseHeader(rest)
		if err != nil {
			return err
		}
		if len(rest) < headerBytes+h.length {
			break
		}
		body := rest[headerBytes : headerBytes+h.length]
		rest = rest[headerBytes+h.length:]
		if h.event { // a heartbeat, or the provider's farewell
			continue
		}
		if err := l.end(h, body, now); err != nil {
			return err
		}
	}
	l.in = l.in[:copy(l.in, rest)]
	return nil
}

func (l *loop) end(h header, body []byte, now time.Duration) error {
	s := &l.slots[h.id%uint64(len(l.slots))]
	if !s.busy || s.id != h.id {
		return fmt.Errorf("check reply: id %d is of no open call", h.id)
	}
	if err := l.want.check(h, body); err != nil {
		return err
	}
	if l.seen++; l.seen%uint64(l.plan.CheckEvery) == 0 {
		if err := l.testCase.decode(body); err != nil {
			return err
		}
		l.decoded++
	}
	s.busy = false
	l.waiting--
	end := l.plan.WarmUp + l.plan.Measure
	if now >= l.plan.WarmUp && now < end {
		l.histogram.Record(now - s.at)
	}
	if now < end && l.begun < l.plan.MaxCalls {
		l.call(s, now)
	}
	return nil
}

// probe makes one call and decodes its reply, which the others are then compared with.
func probe(ctx context.Context, address string, c Case, request []byte) (expected, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return expected{}, fmt.Errorf("probe provider: %w", err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return expected{}, fmt.Errorf("probe provider: %w", err)
	}
	if _, err := conn.Write(request); err != nil {
		return expected{}, fmt.Errorf("probe provider: %w", err)
	}
	for {
		var head [headerBytes]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return expected{}, fmt.Errorf("probe provider: %w", err)
		}
		h, err := parseHeader(head[:])
		if err != nil {
			return expected{}, err
		}
		body := make([]byte, h.length)
		if _, err := io.ReadFull(conn, body); err != nil {
			return expected{}, fmt.Errorf("probe provider: %w", err)
		}
		if h.event {
			continue
		}
		if h.status != statusOK {
			return expected{}, fmt.Errorf("probe provider: status %d: %q", h.status, body[:min(300, len(body))])
		}
		return c.expect(body)
	}
}
