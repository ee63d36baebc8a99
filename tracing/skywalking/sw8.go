package skywalking

import (
	"encoding/base64"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/SkyAPM/go2sky/propagation"
)

// errMalformed is what an sw8 that can't be continued is.
var errMalformed = errors.New("malformed sw8")

const (
	maxSW8         = 4 << 10 // Java's own are some 400 bytes
	maxCorrelation = 2 << 10 // three keys of 128 bytes by default
)

// decode reads an sw8 (SkyWalking cross process propagation headers protocol v3): eight fields, the texts in base64. It takes less than go2sky does: a
// trace and a segment there must be, and text must be UTF-8, or no backend could be told of it.
func decode(header string) (*propagation.SpanContext, error) {
	if len(header) > maxSW8 {
		return nil, errMalformed
	}
	var fields [8]string
	rest, more := header, true
	for i := range fields {
		if !more {
			return nil, errMalformed
		}
		fields[i], rest, more = strings.Cut(rest, "-")
	}
	span, err := strconv.ParseUint(fields[3], 10, 31)
	if err != nil || more || fields[0] != "0" && fields[0] != "1" {
		return nil, errMalformed
	}
	var ends [8]int
	room := make([]byte, 0, base64.StdEncoding.DecodedLen(len(header)))
	for i, f := range fields {
		if i != 0 && i != 3 {
			if room, err = base64.StdEncoding.AppendDecode(room, []byte(f)); err != nil {
				return nil, errMalformed
			}
		}
		ends[i] = len(room)
	}
	all := string(room)
	text := func(i int) string { return all[ends[i-1]:ends[i]] }
	c := &propagation.SpanContext{
		Sample: int8(fields[0][0] - '0'), TraceID: text(1), ParentSegmentID: text(2), ParentSpanID: int32(span),
		ParentService: text(4), ParentServiceInstance: text(5), ParentEndpoint: text(6), AddressUsedAtClient: text(7), Valid: true,
	}
	if c.TraceID == "" || c.ParentSegmentID == "" || !utf8.ValidString(all) {
		return nil, errMalformed
	}
	return c, nil
}

// origin is what of an sw8 is the same for every call of a process.
type origin struct{ service, instance, encoded string }

func newOrigin(service, instance string) origin {
	return origin{service, instance, base64.StdEncoding.EncodeToString([]byte(service)) + "-" + base64.StdEncoding.EncodeToString([]byte(instance)) + "-"}
}

// encode writes the sw8 that tells a peer of a span.
func (o origin) encode(trace, segment string, span int32, endpoint, peer string) string {
	var room [512]byte
	b := append(room[:0], "1-"...)
	b = append(appendText(b, trace), '-')
	b = append(appendText(b, segment), '-')
	b = append(strconv.AppendInt(b, int64(span), 10), '-')
	b = append(b, o.encoded...)
	b = append(appendText(b, endpoint), '-')
	return string(appendText(b, peer))
}

// encodeMute writes the sw8 of a trace that is not sent. An agent that heeds the 0 leaves the trace out. Java's does not (ContextCarrier.deserialize, 9.4.0)
// and would send whatever has a valid sw8, with a parent that nobody finds; the endpoint is left empty, which makes it one that Java's agent ignores, so
// that its own sampling decides. For go2sky, which heeds neither, the trace has a name of its own.
func (o origin) encodeMute(trace, peer string) string {
	var room [512]byte
	b := append(room[:0], "0-"...)
	if trace != "" {
		b = appendText(b, trace)
	} else {
		var id [16]byte
		r := rand.Uint64()
		for i := range id {
			id[i] = "0123456789abcdef"[r>>(4*i)&15]
		}
		b = base64.StdEncoding.AppendEncode(b, id[:])
	}
	b = append(b, '-')
	b = append(append(b, b[2:]...), "0-"...) // the segment is called as the trace
	b = append(append(b, o.encoded...), '-')
	return string(appendText(b, peer))
}

func appendText(b []byte, s string) []byte { return base64.StdEncoding.AppendEncode(b, []byte(s)) }

// correlation gives what of an sw8-correlation goes on, which is all of it or, of what is none, nothing.
func correlation(header string) string {
	if len(header) > maxCorrelation {
		return ""
	}
	for i := range len(header) {
		switch c := header[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '+', c == '/', c == '=', c == ':', c == ',':
		default:
			return ""
		}
	}
	return header
}
