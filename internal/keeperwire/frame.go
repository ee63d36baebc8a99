// Package keeperwire is what a keeper and those who borrow from it say to each other, over a unix socket or TCP.
//
//	borrower → keeper   hello     "dfk1", who it is, a nonce, and a proof of it
//	keeper → borrower   greeting  a nonce, the keeper's proof
//	borrower → keeper   proof     the borrower's; what follows may be sent with it
//	borrower → keeper   ask       for all that is kept for its application
//	keeper → borrower   given     what was lent, with the descriptors (on a unix socket), and what may be opened
//	keeper → borrower   state     what the registries say
//	borrower → keeper   learn     what the application uses
//	both                open, opened, data, close: channels, each as good as a connection to one provider
//	borrower → keeper   ping      are you there? The keeper sends one back
//
// A frame is a byte for its kind, its channel in 4 bytes, its length in 4 bytes, both big-endian, and as many bytes. A proof is an
// HMAC-SHA256 under the application's token over a word for the side that proves, the hello and the keeper's nonce, so that none serves for another connection,
// for the other side, or for another protocol with the same token. The handshake tells strangers from friends; it hides nothing of what
// follows from someone who sits on the way.
package keeperwire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Kind is what a frame is.
type Kind byte

// The kinds.
const (
	Hello Kind = iota + 1
	Greeting
	Proof
	Ask
	Given
	State
	Learn
	Open
	Opened
	Data
	Close
	Refused
	Ping
)

// String gives the kind's name.
func (k Kind) String() string {
	names := [...]string{"hello", "greeting", "proof", "ask", "given", "state", "learn", "open", "opened", "data", "close", "refused", "ping"}
	if k < Hello || k > Ping {
		return fmt.Sprintf("kind(%d)", byte(k))
	}
	return names[k-1]
}

const (
	// HeaderBytes is what a frame has before its body.
	HeaderBytes = 9
	// MaxDataBytes bounds the body of one data frame.
	MaxDataBytes = 256 << 10

	maxStateBytes = 8 << 20
	maxHelloBytes = 4 << 10
	maxListBytes  = 512 << 10
	maxWhyBytes   = 512
)

// limit bounds a body, by its kind; -1 for an unknown one.
func (k Kind) limit() int {
	switch k {
	case Hello, Open:
		return maxHelloBytes
	case Greeting:
		return nonceBytes + proofBytes
	case Proof:
		return proofBytes
	case Ask, Given, Learn:
		return maxListBytes
	case State:
		return maxStateBytes
	case Data:
		return MaxDataBytes
	case Opened, Ping:
		return 0
	case Close, Refused:
		return maxWhyBytes
	}
	return -1
}

// Header is what a frame says of itself.
type Header struct {
	Kind    Kind
	Channel uint32
	Length  int
}

// Append writes a frame. It panics when the body is too long for its kind: that is for the caller to see to.
func Append(b []byte, k Kind, channel uint32, body []byte) []byte {
	if len(body) > k.limit() {
		panic(fmt.Sprintf("keeperwire: %v of %d bytes (limit %d)", k, len(body), k.limit()))
	}
	b = append(b, byte(k))
	b = binary.BigEndian.AppendUint32(b, channel)
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	return append(b, body...)
}

// AppendWhy writes a close or a refused with its reason, cut where it is too long.
func AppendWhy(b []byte, k Kind, channel uint32, why string) []byte {
	return Append(b, k, channel, []byte(why[:min(len(why), maxWhyBytes)]))
}

// Reader reads frames. Not safe for concurrent use.
type Reader struct {
	r    *bufio.Reader
	body []byte
}

// NewReader makes one. It reads ahead.
func NewReader(r io.Reader) *Reader { return &Reader{r: bufio.NewReaderSize(r, 32<<10)} }

// Next reads a frame. The body is valid until the next call. The error is io.EOF between frames; a frame that is too long for its kind,
// or of no known kind, is one, and nothing of it is read.
func (r *Reader) Next() (Header, []byte, error) {
	head, err := r.r.Peek(HeaderBytes)
	if err != nil {
		if len(head) > 0 && errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return Header{}, nil, err
	}
	h := Header{Kind(head[0]), binary.BigEndian.Uint32(head[1:]), 0}
	n := binary.BigEndian.Uint32(head[5:])
	limit := h.Kind.limit()
	switch {
	case limit < 0:
		return h, nil, fmt.Errorf("read frame: unknown kind %d", head[0])
	case int64(n) > int64(limit):
		return h, nil, fmt.Errorf("read %v: it has %d bytes (limit %d)", h.Kind, n, limit)
	}
	h.Length = int(n)
	if _, err := r.r.Discard(HeaderBytes); err != nil {
		return h, nil, err
	}
	body, err := r.read(h.Length)
	return h, body, err
}

// read gives n bytes, in a slice that grows with what arrives.
func (r *Reader) read(n int) ([]byte, error) {
	const step = 64 << 10
	b := r.body[:0]
	for len(b) < n {
		k := min(n-len(b), max(step, len(b)))
		if cap(b)-len(b) < k {
			b = append(make([]byte, 0, len(b)+k), b...)
		}
		if _, err := io.ReadFull(r.r, b[len(b):len(b)+k]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		b = b[:len(b)+k]
	}
	r.body = b
	if cap(b) > MaxDataBytes {
		r.body = nil // a large state comes once
	}
	return b, nil
}
