package cloudevent

import (
	"net/http"
	"strings"

	sdk "github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"

	"github.com/dubbofn/dubbofn/internal/cebind"
)

// incoming is an event as rules look at it. Most come in binary mode with attributes that are nothing but plain text: those are taken as they stand among the
// headers, and the SDK's event is made only for those who ask for it. For one goroutine.
type incoming struct {
	id, source, typ, subject, contentType string
	data                                  []byte

	headers    http.Header // of a plain one; nil: whole is there
	extensions [maxPlain]cebind.Header
	count      int
	whole      *sdk.Event // of a plain one: nil until somebody asks
}

const (
	// maxPlain is how many extensions a plain event may have, and maxPlainBytes how long an attribute may be. Others are read by the SDK's event.
	maxPlain      = 8
	maxPlainBytes = 1 << 10
)

// incomingOf gives an event that was read.
func incomingOf(ev *sdk.Event) *incoming {
	return &incoming{id: ev.ID(), source: ev.Source(), typ: ev.Type(), subject: ev.Subject(), contentType: ev.DataContentType(), data: ev.Data(), whole: ev}
}

// event gives it as the SDK has it.
func (in *incoming) event() *sdk.Event {
	if in.whole == nil {
		ev, _ := read(in.headers, in.data) // plain takes nothing that read refuses
		in.whole = &ev
	}
	return in.whole
}

// attribute is [cebind.Attribute].
func (in *incoming) attribute(name string) (string, bool) {
	switch name {
	case "id":
		return in.id, in.id != ""
	case "source":
		return in.source, in.source != ""
	case "type":
		return in.typ, in.typ != ""
	case "subject":
		return in.subject, in.subject != ""
	case "datacontenttype":
		return in.contentType, in.contentType != ""
	}
	if in.headers == nil {
		return cebind.Attribute(*in.whole, name)
	}
	for i := range in.count {
		if x := &in.extensions[i]; strings.EqualFold(x.Name, name) {
			return x.Value, true
		}
	}
	return "", false
}

// receive makes an event of a request.
func receive(h http.Header, body []byte) (*incoming, error) {
	in := &incoming{data: body, headers: h}
	if in.plain() {
		return in, nil
	}
	ev, err := read(h, body)
	if err != nil {
		return nil, err
	}
	return incomingOf(&ev), nil
}

// plain takes the attributes from the headers. Where it gives false, nothing is said of the event: it may be right or wrong, and what was taken is of no use.
func (in *incoming) plain() bool {
	version := false
	for name, values := range in.headers {
		if len(name) < len("Ce-") || name[0]|0x20 != 'c' || name[1]|0x20 != 'e' || name[2] != '-' {
			if len(name) == len(headerContentType) && strings.EqualFold(name, headerContentType) {
				if name != headerContentType || len(values) != 1 || values[0] != sdk.ApplicationJSON {
					return false
				}
				in.contentType = values[0]
			}
			continue
		}
		if name[:3] != "Ce-" || len(values) != 1 || !plainText(values[0]) {
			return false
		}
		if name == "Ce-Specversion" {
			version = values[0] == sdk.CloudEventsVersionV1
		} else if !in.take(name[3:], values[0]) {
			return false
		}
	}
	if len(in.data) == 0 {
		in.data = nil
	}
	return version && in.id != "" && in.source != "" && in.typ != ""
}

const headerContentType = "Content-Type"

// take takes one attribute, by its name as net/http writes it.
func (in *incoming) take(name, value string) bool {
	switch name {
	case "Id":
		in.id = value
	case "Type":
		in.typ = value
	case "Subject":
		in.subject = value
	case "Source":
		in.source = value
		return plainReference(value)
	case "Time":
		_, err := types.ParseTime(value)
		return err == nil
	case "Schemaurl":
		return false
	default:
		if in.count == maxPlain || strings.HasPrefix(name, "Data") || !canonical(name) {
			return false
		}
		in.extensions[in.count] = cebind.Header{Name: name, Value: value}
		in.count++
	}
	return true
}

// canonical tells whether an attribute's name is written as net/http has it: another one might be that of an attribute above.
func canonical(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < '0' || c > '9') && (i > 0 && (c < 'a' || c > 'z') || i == 0 && (c < 'A' || c > 'Z')) {
			return false
		}
	}
	return name != ""
}

func letterOrDigit(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// plainText tells whether a header's value is the attribute's as it stands: nothing to decode, nothing to trim.
func plainText(v string) bool {
	if v == "" || len(v) > maxPlainBytes {
		return false
	}
	for i := range len(v) {
		if c := v[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '%' {
			return false
		}
	}
	return true
}

// plainReference tells whether a URI reference is written by net/url as it was read.
func plainReference(v string) bool {
	rest, absolute := strings.CutPrefix(v, "https://")
	if !absolute {
		rest, absolute = strings.CutPrefix(v, "http://")
	}
	if rest == "" || !absolute && strings.HasPrefix(rest, "//") {
		return false
	}
	for i := range len(rest) {
		if c := rest[i]; !letterOrDigit(rune(c)) && c != '/' && c != '.' && c != '-' && c != '_' && c != '~' {
			return false
		}
	}
	return true
}
