package cloudevent

import (
	"encoding/binary"
	"errors"
	"net/http"

	"github.com/dubbofn/dubbofn/internal/cebind"
)

// recordForm is the first byte of a record: it tells records of this form from those that another version left in a store.
const recordForm = 1

// recordOf gives what duplicates are answered with: the form, the status, the reason, and the reply event as HTTP's binding has it, each part behind its
// length. It is one piece of bytes, which is all that is kept of an event.
func recordOf(o *outcome) []byte {
	size := 16 + len(o.reason)
	var headers []cebind.Header
	var body []byte
	if o.reply != nil {
		headers, body = o.reply.message()
		for _, h := range headers {
			size += len(h.Name) + len(h.Value) + 4
		}
		size += len(body)
	}
	b := make([]byte, 0, size)
	b = append(b, recordForm)
	b = binary.AppendUvarint(b, uint64(o.status))
	b = appendPart(b, o.reason)
	b = binary.AppendUvarint(b, uint64(len(headers)))
	for _, h := range headers {
		b = appendPart(appendPart(b, h.Name), h.Value)
	}
	return append(b, body...)
}

func appendPart(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// recall answers a duplicate as the first one was. A record that is gone, for want of room, or can't be read, is one without a reply.
func recall(record []byte) outcome {
	o, err := parseRecord(record)
	if err != nil {
		o = outcome{status: http.StatusOK}
	}
	o.word = wordDuplicate
	return o
}

var errRecord = errors.New("read record: it is none")

func parseRecord(b []byte) (o outcome, err error) {
	if len(b) == 0 || b[0] != recordForm {
		return o, errRecord
	}
	p := parts{b: b[1:]}
	o.status = int(p.number())
	o.reason = p.text()
	n := p.number()
	if p.bad || o.status < 200 || o.status > 599 || n > uint64(len(p.b)) {
		return outcome{}, errRecord
	}
	if n == 0 {
		return o, nil
	}
	headers := make([]cebind.Header, n)
	for i := range headers {
		headers[i] = cebind.Header{Name: p.text(), Value: p.text()}
	}
	if p.bad {
		return outcome{}, errRecord
	}
	whole, err := cebind.HTTP.Read(headers, p.b)
	o.reply = &reply{whole: &whole} // written anew: what a store gives may name any header
	return o, err
}

// parts reads a record.
type parts struct {
	b   []byte
	bad bool
}

func (p *parts) number() uint64 {
	v, n := binary.Uvarint(p.b)
	if n <= 0 {
		p.b, p.bad = nil, true
		return 0
	}
	p.b = p.b[n:]
	return v
}

func (p *parts) text() string {
	n := p.number()
	if n > uint64(len(p.b)) {
		p.b, p.bad = nil, true
		return ""
	}
	s := string(p.b[:n])
	p.b = p.b[n:]
	return s
}
