package earlylane

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

const magic = "dfn1"

const frameHeaderBytes = len(magic) + 1 + 4

// kind is the fifth byte of a frame.
type kind byte

const (
	kindHello    kind = 'h'
	kindGreeting kind = 'g'
	kindOpen     kind = 'o'
	kindAccepted kind = 'a'
	kindError    kind = 'e' // its body is the reason
)

func (k kind) String() string {
	switch k {
	case kindHello:
		return "hello"
	case kindGreeting:
		return "greeting"
	case kindOpen:
		return "open"
	case kindAccepted:
		return "accepted"
	case kindError:
		return "error"
	}
	return fmt.Sprintf("kind %q", byte(k))
}

func frame(k kind, body ...[]byte) []byte {
	n := 0
	for _, p := range body {
		n += len(p)
	}
	b := append(make([]byte, 0, frameHeaderBytes+n), magic...)
	b = append(b, byte(k))
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	for _, p := range body {
		b = append(b, p...)
	}
	return b
}

// readFrame reads one frame and not a byte more. What it allocates grows with the bytes that arrive.
func readFrame(r io.Reader, want kind, limit int) ([]byte, error) {
	var head [frameHeaderBytes]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, fmt.Errorf("read %v: %w", want, err)
	}
	if string(head[:len(magic)]) != magic {
		return nil, fmt.Errorf("read %v: it begins with %q, not with %q: the peer speaks something else", want, head[:len(magic)], magic)
	}
	k := kind(head[len(magic)])
	if k == kindError {
		limit = maxWhyBytes
	} else if k != want {
		return nil, fmt.Errorf("read %v: got %v", want, k)
	}
	n := binary.BigEndian.Uint32(head[len(magic)+1:])
	if int64(n) > int64(limit) {
		return nil, fmt.Errorf("read %v: it claims %d bytes (limit %d)", k, n, limit)
	}
	var body bytes.Buffer
	if got, err := body.ReadFrom(io.LimitReader(r, int64(n))); err != nil {
		return nil, fmt.Errorf("read %v: %w", k, err)
	} else if got < int64(n) {
		return nil, fmt.Errorf("read %v: %w after %d of %d bytes", k, io.ErrUnexpectedEOF, got, n)
	}
	if k == kindError {
		return nil, fmt.Errorf("%w: %q", ErrRefused, strings.ToValidUTF8(body.String(), "�"))
	}
	return body.Bytes(), nil
}

// within runs f, a step of the handshake, for as long as ctx and limit allow (0: as ctx does), and closes conn when f fails.
func within(ctx context.Context, conn net.Conn, limit time.Duration, f func() error) error {
	deadline, bounded := ctx.Deadline()
	if d := time.Now().Add(limit); limit > 0 && (!bounded || d.Before(deadline)) {
		deadline = d
	}
	err := conn.SetDeadline(deadline)
	if err == nil {
		interrupted := make(chan struct{})
		stop := context.AfterFunc(ctx, func() {
			defer close(interrupted)
			_ = conn.SetDeadline(time.Unix(1, 0)) // fails only where the connection is closed
		})
		err = f()
		if !stop() {
			<-interrupted
		}
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close() // err says what matters
		if ctx.Err() != nil {
			err = errors.Join(err, context.Cause(ctx))
		}
	}
	return err
}

// refuse tells the peer why. It is for the peer's operator, so a peer that doesn't listen is nobody's concern.
func refuse(conn net.Conn, why error) error {
	text := why.Error()
	if len(text) > maxWhyBytes {
		text = strings.ToValidUTF8(text[:maxWhyBytes], "")
	}
	if conn.SetDeadline(time.Now().Add(goodbye)) == nil {
		_, _ = conn.Write(frame(kindError, []byte(text)))
	}
	return why
}
