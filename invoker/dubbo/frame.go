package dubbo

import (
	"encoding/binary"
	"fmt"
)

// The frame (Java: ExchangeCodec, 2.7.23 and 3.3): 16 bytes of header, then the body.
//
//	0-1   magic 0xda 0xbb
//	2     flags: 0x80 request, 0x40 two-way, 0x20 event, 0x1f serialization id
//	3     status, of responses only
//	4-11  id, big endian; any 64-bit number
//	12-15 length of the body, big endian
const (
	headerBytes = 16
	magicHigh   = 0xda
	magicLow    = 0xbb

	flagRequest        = 0x80
	flagTwoWay         = 0x40
	flagEvent          = 0x20
	serializationMask  = 0x1f
	serializationHess2 = 2
)

// The bodies of events (Java: HeartbeatTimerTask, CommonConstants.READONLY_EVENT and WRITEABLE_EVENT; the same in both lines).
const (
	eventHeartbeat = "N"     // Hessian's null
	eventReadonly  = "\x01R" // Hessian's string "R"
	eventWriteable = "\x01W"
	maxEventBytes  = 64 // Java 3.3 refuses events of more than 15 bytes
)

// header is a frame's header without the magic.
type header struct {
	flags  byte
	status byte
	id     uint64
	length uint32
}

func (h header) request() bool       { return h.flags&flagRequest != 0 }
func (h header) twoWay() bool        { return h.flags&flagTwoWay != 0 }
func (h header) event() bool         { return h.flags&flagEvent != 0 }
func (h header) serialization() byte { return h.flags & serializationMask }

// errFraming is a stream in which no frame begins where one must.
type errFraming struct{ high, low byte }

func (e errFraming) Error() string {
	hint := ""
	if e.high == 'H' && e.low == 'T' {
		hint = ": it looks like HTTP"
	}
	return fmt.Sprintf("read frame: it begins with %02x %02x (magic da bb)%s", e.high, e.low, hint)
}

// parseHeader reads a header; b has at least headerBytes.
func parseHeader(b []byte) (header, error) {
	_ = b[headerBytes-1]
	if b[0] != magicHigh || b[1] != magicLow {
		return header{}, errFraming{b[0], b[1]}
	}
	return header{b[2], b[3], binary.BigEndian.Uint64(b[4:]), binary.BigEndian.Uint32(b[12:])}, nil
}

// appendHeader writes a header; the length may be set later by setLength.
func appendHeader(b []byte, h header) []byte {
	b = append(b, magicHigh, magicLow, h.flags, h.status)
	b = binary.BigEndian.AppendUint64(b, h.id)
	return binary.BigEndian.AppendUint32(b, h.length)
}

// setLength writes the body's length into the header that frame begins with.
func setLength(frame []byte) {
	binary.BigEndian.PutUint32(frame[12:], uint32(len(frame)-headerBytes))
}

// appendEvent writes a whole event frame.
func appendEvent(b []byte, flags, status byte, id uint64, body string) []byte {
	b = appendHeader(b, header{flags | flagEvent, status, id, uint32(len(body))})
	return append(b, body...)
}

// serializationName names the serialization ids of Dubbo Java 3.3 (org.apache.dubbo.common.serialize.Constants).
func serializationName(id byte) string {
	switch id {
	case 2:
		return "hessian2"
	case 3:
		return "java"
	case 4:
		return "compactedjava"
	case 6:
		return "fastjson"
	case 7:
		return "nativejava"
	case 8:
		return "kryo"
	case 9:
		return "fst"
	case 10:
		return "native-hessian"
	case 11:
		return "avro"
	case 12:
		return "protostuff"
	case 16:
		return "gson"
	case 21:
		return "protobuf-json"
	case 22:
		return "protobuf"
	case 23:
		return "fastjson2"
	case 25:
		return "kryo2"
	}
	return "unknown"
}
