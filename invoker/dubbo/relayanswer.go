package dubbo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/dubbofn/dubbofn/invoker"
)

// Answer is a response frame that was read for a [Frame], and has its id. It must be sent, whether the frame still waits for one or not.
type Answer struct {
	f     *Frame
	out   []byte
	taken int // of the budget; such a frame is the writer's once it is sent
}

// AnswerFrom reads one response frame and answers with it: see [Frame.Receive] and [Answer.Send].
func (f *Frame) AnswerFrom(src io.Reader, size int64) error {
	unsent, err := f.Receive(src, size)
	if unsent != nil {
		unsent.Send()
	}
	return err
}

// Receive reads one response frame, of size bytes where that isn't negative, and answers with it under the frame's own id, unless the
// consumer is slow to read: then the answer is the caller's to send. It reads nothing behind the frame. An error says that there was no sound
// frame of at most ServerConfig.MaxBytes; then the frame is not answered.
func (f *Frame) Receive(src io.Reader, size int64) (unsent *Answer, err error) {
	y := f.s.relay
	scratch, ok := y.scratch.Get().(*[]byte)
	if !ok {
		b := make([]byte, ownBytes)
		scratch = &b
	}
	defer y.scratch.Put(scratch)
	room := *scratch
	if _, err := io.ReadFull(src, room[:headerBytes]); err != nil {
		return nil, fmt.Errorf("read response: %w", unexpected(err))
	}
	h, err := parseHeader(room)
	n := int64(headerBytes) + int64(h.length)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read response: %w", err)
	case h.request() || h.event():
		return nil, fmt.Errorf("read response: flags %#x are no response's", h.flags)
	case int64(h.length) > int64(f.s.cfg.MaxBytes):
		return nil, fmt.Errorf("read response: its body has %d bytes (limit %d)", h.length, f.s.cfg.MaxBytes)
	case size >= 0 && size != n:
		return nil, fmt.Errorf("read response: the frame has %d bytes, %d were announced", n, size)
	}
	binary.BigEndian.PutUint64(room[4:], f.header.id)
	a := Answer{f: f, out: room[:min(n, ownBytes-1)]} // shorter than what the writer keeps
	if n >= ownBytes {
		a.taken = int(h.length)
		if a.out, err = f.large(src, room[:headerBytes], a.taken); err != nil {
			return nil, fmt.Errorf("read response: %w", err)
		}
	} else if _, err := io.ReadFull(src, a.out[headerBytes:]); err != nil {
		return nil, fmt.Errorf("read response: %w", unexpected(err))
	}
	f.seen = seen{true, h.status, len(a.out) > headerBytes && threw(a.out[headerBytes])}
	if !f.header.twoWay() || !f.conn.w.full.Load() {
		a.send(false)
		return nil, nil
	}
	if a.taken == 0 {
		a.out = bytes.Clone(a.out) // the scratch goes back
	}
	return &Answer{a.f, a.out, a.taken}, nil // a itself would be on the heap in every call
}

// seen is what is known of the response that was read.
type seen struct {
	read   bool
	status byte
	threw  bool
}

// threw tells of a response's first byte whether the method threw: RESPONSE_WITH_EXCEPTION, with attachments or without (Java: DubboCodec, 3.3.6), as
// an int of one byte.
func threw(first byte) bool {
	const zero = 0x90 // of Hessian's ints from -16 to 47
	return first == zero+withException || first == zero+withException+attached
}

// Outcome tells what the response that [Frame.Receive] has read says: nil for a value, an *[invoker.Error] for a status that is not 20,
// another error where the method threw. It is for who has called Receive.
func (f *Frame) Outcome() error {
	switch r := f.seen; {
	case !r.read:
		return nil
	case r.status != statusOK:
		code, _ := codeOf(r.status)
		return &invoker.Error{Code: code, Err: fmt.Errorf("status %d %s", r.status, statusName(r.status)), Remote: true}
	case r.threw:
		return errThrew
	}
	return nil
}

// errThrew is all that is known of an exception, which is passed on undecoded.
var errThrew = errors.New("the method threw an exception")

// Send answers with it. It waits while the consumer reads nothing, until its connection is cut.
func (a *Answer) Send() { a.send(true) }

func (a *Answer) send(wait bool) {
	f, kept := a.f, false
	if f.claim() {
		if f.header.twoWay() {
			_, kept, _ = f.conn.w.send(a.out, wait)
		}
		f.over()
	}
	if a.taken == 0 {
		return
	}
	f.s.cfg.Budget.give(a.taken)
	if !kept {
		f.s.buffers.put(a.out)
	}
}

// large reads a response that doesn't fit the scratch, in a slice that grows as its bytes arrive; these are taken from the budget.
func (f *Frame) large(src io.Reader, head []byte, n int) ([]byte, error) {
	s := f.s
	out := append(s.buffers.get(headerBytes+min(n, smallBytes)), head...)
	taken := 0
	for taken < n {
		if len(out) == cap(out) {
			bigger := append(s.buffers.get(min(headerBytes+n, 4*len(out))), out...)
			s.buffers.put(out)
			out = bigger
		}
		k, err := src.Read(out[len(out):min(cap(out), headerBytes+n)])
		if k > 0 && !s.cfg.Budget.take(k) {
			k, err = 0, errBudget
		}
		taken += k
		out = out[:headerBytes+taken]
		if err != nil && taken < n {
			s.cfg.Budget.give(taken)
			s.buffers.put(out)
			return nil, unexpected(err)
		}
	}
	return out, nil
}
