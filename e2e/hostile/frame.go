package main

import "encoding/binary"

// flags of a frame's third byte; the low five bits name the serialization, 2 is Hessian (Dubbo's spec of the protocol).
const (
	request = 0x80
	twoWay  = 0x40
	event   = 0x20
	hessian = 2
)

const headBytes = 16

// frame puts a head before a body.
func frame(flags, status byte, id uint64, body []byte) []byte {
	return claimed(flags, status, id, uint32(len(body)), body)
}

// claimed is a frame whose head tells another length than the body has.
func claimed(flags, status byte, id uint64, length uint32, body []byte) []byte {
	b := make([]byte, headBytes, headBytes+len(body))
	b[0], b[1], b[2], b[3] = 0xda, 0xbb, flags, status
	binary.BigEndian.PutUint64(b[4:], id)
	binary.BigEndian.PutUint32(b[12:], length)
	return append(b, body...)
}

// text is a Hessian string of up to 65535 ASCII characters.
func text(s string) []byte {
	n := len(s)
	switch {
	case n < 32:
		return append([]byte{byte(n)}, s...)
	case n < 1024:
		return append([]byte{byte(0x30 + n>>8), byte(n)}, s...)
	}
	return append([]byte{'S', byte(n >> 8), byte(n)}, s...)
}

// number is a Hessian int of five bytes.
func number(n uint32) []byte { return binary.BigEndian.AppendUint32([]byte{'I'}, n) }

func join(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// call is a request's body: what is called, then the arguments and attachments as given.
func call(path, method, descriptor string, rest ...[]byte) []byte {
	return join(text("2.0.2"), text(path), text("0.0.0"), text(method), text(descriptor), join(rest...))
}

const types = "org.fixture.dubbo.TypesService"

// noAttachments is an empty map.
var noAttachments = []byte{'H', 'Z'}

// honest is a call that is answered with status 20.
func honest(id uint64) []byte {
	return frame(request|twoWay|hessian, 0, id, call(types, "echoInt", "I", number(70000), noAttachments))
}
