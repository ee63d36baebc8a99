package getty

import (
	"encoding/binary"
	"math/rand/v2"
)

const (
	messageBytes = 4 << 10   // the largest message that a getty client reads
	maxBatch     = 256 << 10 // how much of a stream is written at once
)

// messages cuts a stream into WebSocket messages (RFC 6455, section 5.2): each a single binary frame, masked where a client
// sends it. Not safe for concurrent use.
type messages struct {
	client bool
	buf    []byte
}

const (
	opBinary  = 0x82 // the last frame of a message, binary
	maskBit   = 0x80
	length16  = 126
	maxLength = 125 // that fits the header's second byte
)

// wrap gives p as messages. The slice is good until the next call.
func (m *messages) wrap(p []byte) []byte {
	m.buf = m.buf[:0]
	for len(p) > 0 {
		k := min(len(p), messageBytes)
		m.message(p[:k])
		p = p[k:]
	}
	return m.buf
}

func (m *messages) message(p []byte) {
	var mask byte
	if m.client {
		mask = maskBit
	}
	if len(p) <= maxLength {
		m.buf = append(m.buf, opBinary, mask|byte(len(p)))
	} else {
		m.buf = binary.BigEndian.AppendUint16(append(m.buf, opBinary, mask|length16), uint16(len(p)))
	}
	if !m.client {
		m.buf = append(m.buf, p...)
		return
	}
	// The mask keeps a page's script from choosing the bytes on the wire; what is sent here is no secret to the sender.
	key := rand.Uint32()
	m.buf = binary.BigEndian.AppendUint32(m.buf, key)
	for i, b := range p {
		m.buf = append(m.buf, b^byte(key>>(24-8*(i&3))))
	}
}
