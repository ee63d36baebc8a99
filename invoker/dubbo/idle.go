package dubbo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// Idle keeps a connection to a provider alive on which nobody calls yet, so that it can be given away with [Lend]. It speaks heartbeats
// and nothing else. It ends when the provider closes, is silent, announces that it is going (READONLY), or sends what nobody asked for.
// Safe for concurrent use.
type Idle struct {
	nc        net.Conn
	heartbeat time.Duration
	patience  time.Duration // for a write
	done      chan struct{}
	stopped   chan struct{} // closed when its goroutine has ended

	mu      sync.Mutex
	ask     chan bool // somebody wants the connection; nil: nobody does
	gone    bool      // it was given away
	failure error
}

// The numbers of an Idle's heartbeats are beyond those that any consumer begins with, so that no answer to one, however late, can be taken
// for the answer to a call of whoever has the connection by then.
const idleBeat = 1 << 63

// idlePatience bounds the wait for a write. An event finds room at once where nothing else is written, unless the provider reads nothing: those who want
// the connection, and others in the same breath, don't wait for that.
const idlePatience = 250 * time.Millisecond

// maxIdleBytes is room for more events than a provider has reason to send at once.
const maxIdleBytes = 512

var (
	errReadonly = errors.New("the provider announced that it is going")
	errUnasked  = errors.New("the provider sent what nobody asked for")
)

// NewIdle begins to keep a connection, which is the Idle's from then on. Of c, Heartbeat counts, and WriteTimeout where it is shorter than a moment. It panics when c is invalid.
func NewIdle(nc net.Conn, c ConnConfig) *Idle {
	if err := c.Validate(); err != nil {
		panic(fmt.Sprintf("dubbo: NewIdle: %v", err))
	}
	cfg := c.server().withDefaults()
	i := &Idle{nc: nc, heartbeat: cfg.Heartbeat, patience: min(cfg.WriteTimeout, idlePatience), done: make(chan struct{}), stopped: make(chan struct{})}
	go i.run()
	return i
}

// Done is closed when the connection has ended. It is not closed by giving it away.
func (i *Idle) Done() <-chan struct{} { return i.done }

// Err tells why the connection ended; nil while it lives, and when it was given away.
func (i *Idle) Err() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.failure
}

// Close ends the connection, unless it was given away, and waits for what it started. Calling it again does nothing.
func (i *Idle) Close() error {
	i.end(errConnClosed)
	<-i.stopped
	return nil
}

// Lend gives connections away: each is the caller's from then on, as if nobody had ever read from it, and its Idle is over. A nil stands
// for one that can't be given now: it has ended, or is being given to somebody else, or a heartbeat of it is not answered yet, or half an
// event was read. All are asked before any is waited for: it takes hardly longer than for one.
func Lend(idle ...*Idle) []net.Conn {
	asked := make([]chan bool, len(idle))
	for n, i := range idle {
		asked[n] = i.request()
	}
	given := make([]net.Conn, len(idle))
	for n, i := range idle {
		if asked[n] != nil && <-asked[n] {
			given[n] = i.nc
			<-i.stopped
		}
	}
	return given
}

// request asks for the connection; nil where it can't be had.
func (i *Idle) request() chan bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.gone || i.failure != nil || i.ask != nil {
		return nil
	}
	i.ask = make(chan bool, 1)
	_ = i.nc.SetReadDeadline(time.Unix(1, 0)) // where that fails the connection has ended, and its reader says so
	return i.ask
}

// answer tells whoever asks for the connection whether it is theirs; given is false where nobody asks.
func (i *Idle) answer(can bool) (given bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ask == nil {
		return false
	}
	can = can && i.failure == nil
	if can {
		can = i.nc.SetReadDeadline(time.Time{}) == nil
	}
	i.gone = can
	i.ask <- can
	i.ask = nil
	return can
}

func (i *Idle) end(why error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.gone || i.failure != nil {
		return
	}
	i.failure = why
	close(i.done)
	_ = i.nc.Close()
}

// run reads events and sends heartbeats until the connection ends or is given away.
func (i *Idle) run() {
	defer close(i.stopped)
	var room [maxIdleBytes]byte
	held, beats := 0, uint64(0)
	unanswered := false
	heard := time.Now()
	beat := heard
	for {
		if i.answer(held == 0 && !unanswered) {
			return
		}
		n, err := i.read(room[held:], min(i.heartbeat-time.Since(beat), idleBeats*i.heartbeat-time.Since(heard)))
		if held += n; n > 0 {
			heard = time.Now()
			beat = heard
			answered, rest, err := i.events(room[:held], idleBeat|beats)
			if err != nil {
				i.fail(err)
				return
			}
			unanswered = unanswered && !answered
			held = copy(room[:], rest)
			continue
		}
		switch {
		case !errors.Is(err, os.ErrDeadlineExceeded):
			i.fail(fmt.Errorf("read: %w", err))
			return
		case time.Since(heard) >= idleBeats*i.heartbeat:
			i.fail(fmt.Errorf("not a byte for %v", idleBeats*i.heartbeat))
			return
		case time.Since(beat) >= i.heartbeat && !unanswered:
			beats++
			unanswered = true
			if err := i.write(appendEvent(nil, flagRequest|flagTwoWay|serializationHess2, 0, idleBeat|beats, eventHeartbeat)); err != nil {
				i.fail(err)
				return
			}
			beat = time.Now()
		case time.Since(beat) >= i.heartbeat:
			beat = time.Now() // one that is not answered is enough
		}
	}
}

// fail ends the connection; whoever has asked for it meanwhile is told.
func (i *Idle) fail(why error) {
	i.end(why)
	i.answer(false)
}

// read waits for bytes, no longer than so long, and no longer than nobody wants the connection.
func (i *Idle) read(p []byte, long time.Duration) (int, error) {
	i.mu.Lock()
	asked := i.ask != nil
	var err error
	if !asked {
		err = i.nc.SetReadDeadline(time.Now().Add(max(long, time.Millisecond)))
	}
	i.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return i.nc.Read(p)
}

// events reads the whole events that b begins with: it answers heartbeats and notes the answer to its own.
func (i *Idle) events(b []byte, own uint64) (answered bool, rest []byte, err error) {
	for len(b) >= headerBytes {
		h, err := parseHeader(b)
		if err != nil {
			return answered, b, err
		}
		if !h.event() || h.length > maxEventBytes {
			return answered, b, errUnasked
		}
		size := headerBytes + int(h.length)
		if len(b) < size {
			break
		}
		body := string(b[headerBytes:size])
		switch {
		case !h.request():
			answered = answered || h.id == own
		case body == eventReadonly:
			return answered, b, errReadonly
		case body == eventHeartbeat && h.twoWay():
			if err := i.write(appendEvent(nil, h.serialization(), statusOK, h.id, eventHeartbeat)); err != nil {
				return answered, b, err
			}
		}
		b = b[size:]
	}
	if len(b) >= 2 && binary.BigEndian.Uint16(b) != magicHigh<<8|magicLow {
		return answered, b, errFraming{b[0], b[1]}
	}
	return answered, b, nil
}

func (i *Idle) write(b []byte) error {
	if err := i.nc.SetWriteDeadline(time.Now().Add(i.patience)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if _, err := i.nc.Write(b); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if err := i.nc.SetWriteDeadline(time.Time{}); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
