// Package cebind reads and writes events as messages with headers, in both content modes of CloudEvents' protocol bindings. What differs between
// NATS and Kafka is a [Style]. It believes nothing of what it reads, and what it can't read costs an error, no more.
package cebind

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
)

const (
	// Structured is the content type of an event in the JSON format.
	Structured = event.ApplicationCloudEventsJSON
	// maxAttributes bounds the attributes of one event, of which each is a header that somebody else chose.
	maxAttributes = 256
	// maxValueBytes bounds an attribute.
	maxValueBytes = 64 << 10
)

// Style is a protocol's way to write attributes as headers. Its zero value is of no use.
type Style struct {
	Prefix      string // before an attribute's name: "ce-" (NATS binding 1.0.3, 3.1.3.1), "ce_" (Kafka binding 1.0.2, 3.2.4.1)
	ContentType string // the header for datacontenttype; "": as the other attributes (NATS)
	Percent     bool   // values are percent-encoded (NATS, HTTP); else they are UTF-8 as it is (Kafka)
	canonical   bool   // names are written as net/http has them
}

// The bindings of NATS, Kafka and HTTP.
var (
	NATS  = Style{Prefix: "ce-", Percent: true}
	Kafka = Style{Prefix: "ce_", ContentType: "content-type"}
	HTTP  = Style{Prefix: "ce-", ContentType: "Content-Type", Percent: true, canonical: true}
)

// Header is one header of a message.
type Header struct{ Name, Value string }

// Read makes an event of a message. headers gives every header, in any case and order; body is kept, not copied. A message without any
// attribute among its headers is read as structured. The error says what of it is no event.
func (s Style) Read(headers []Header, body []byte) (event.Event, error) {
	var contentType, version string
	attributes := false
	for _, h := range headers {
		name := strings.ToLower(h.Name)
		attributes = attributes || strings.HasPrefix(name, s.Prefix)
		switch name {
		case "content-type":
			contentType = h.Value
		case s.Prefix + "specversion":
			version = h.Value
		}
	}
	media := strings.ToLower(contentType)
	switch {
	case strings.HasPrefix(media, event.ApplicationCloudEventsBatchJSON):
		return event.Event{}, fmt.Errorf("read event: content type %q: a message holds one event, not a batch", contentType)
	case strings.HasPrefix(media, "application/cloudevents"):
		if base := strings.TrimSpace(strings.SplitN(media, ";", 2)[0]); base != Structured {
			return event.Event{}, fmt.Errorf("read event: content type %q: want %s", contentType, Structured)
		}
		return ReadJSON(body)
	case version == "":
		e, err := ReadJSON(body)
		if err != nil && attributes {
			err = fmt.Errorf("read event: no %sspecversion among the headers", s.Prefix)
		}
		return e, err
	}
	return s.readBinary(version, contentType, headers, body)
}

func (s Style) readBinary(version, contentType string, headers []Header, body []byte) (event.Event, error) {
	if version != event.CloudEventsVersionV1 && version != event.CloudEventsVersionV03 {
		return event.Event{}, fmt.Errorf("read event: specversion %.20q: want 1.0", version)
	}
	e := event.New(version)
	if s.ContentType != "" && contentType != "" {
		e.SetDataContentType(lowerMedia(contentType))
	}
	count := 0
	for _, h := range headers {
		name, ok := strings.CutPrefix(strings.ToLower(h.Name), s.Prefix)
		if !ok || name == "specversion" {
			continue
		}
		if count++; count > maxAttributes {
			return event.Event{}, fmt.Errorf("read event: more than %d attributes", maxAttributes)
		}
		value, err := s.decode(h.Value)
		if err != nil {
			return event.Event{}, fmt.Errorf("read event: attribute %.40q: %w", name, err)
		}
		if err := set(&e, name, value); err != nil {
			return event.Event{}, fmt.Errorf("read event: attribute %.40q: %w", name, err)
		}
	}
	if len(body) > 0 {
		e.DataEncoded = body
	}
	return e, validate(e)
}

// lowerMedia gives a content type whose type, which has no case, is as the SDK knows it: it takes data of another than "application/json" for text.
func lowerMedia(contentType string) string {
	media, rest, _ := strings.Cut(contentType, ";")
	if lower := strings.ToLower(media); lower != media {
		return lower + contentType[len(media):len(contentType)-len(rest)] + rest
	}
	return contentType
}

// validate is the SDK's, in one line.
func validate(e event.Event) error {
	if err := e.Validate(); err != nil {
		return fmt.Errorf("read event: %s", strings.Join(strings.Fields(err.Error()), " "))
	}
	return nil
}

// set gives an event one attribute by its name.
func set(e *event.Event, name, value string) error {
	switch name {
	case "id":
		return e.Context.SetID(value)
	case "source":
		return e.Context.SetSource(value)
	case "type":
		return e.Context.SetType(value)
	case "subject":
		return e.Context.SetSubject(value)
	case "datacontenttype":
		return e.Context.SetDataContentType(lowerMedia(value))
	case "dataschema", "schemaurl":
		return e.Context.SetDataSchema(value)
	case "time":
		t, err := types.ParseTime(value)
		if err != nil {
			return fmt.Errorf("%.40q: want a time of RFC 3339", value)
		}
		return e.Context.SetTime(t)
	case "data", "data_base64":
		return errors.New("the name is the body's")
	}
	return setExtension(e, name, value)
}

// setExtension is strict with names in either version: the SDK is so with 1.0 only.
func setExtension(e *event.Event, name string, value any) error {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return errors.New("want a name of small letters and digits")
		}
	}
	if name == "" {
		return errors.New("want a name")
	}
	return e.Context.SetExtension(name, value)
}

// Write gives an event as headers and a body, in binary mode. The body is the event's data, not a copy.
func (s Style) Write(e event.Event) (headers []Header, body []byte) {
	extensions := e.Extensions()
	headers = make([]Header, 0, attributes+len(extensions))
	add := func(name, value string) {
		if value != "" {
			headers = append(headers, Header{s.name(name), s.encode(value)})
		}
	}
	add("specversion", e.SpecVersion())
	add("id", e.ID())
	add("source", e.Source())
	add("type", e.Type())
	add("subject", e.Subject())
	add("dataschema", e.DataSchema())
	if t := e.Time(); !t.IsZero() {
		add("time", t.UTC().Format(time.RFC3339Nano))
	}
	if s.ContentType == "" {
		add("datacontenttype", e.DataContentType())
	} else if ct := e.DataContentType(); ct != "" {
		headers = append(headers, Header{s.ContentType, ct})
	}
	for name, v := range extensions {
		if text, err := types.Format(v); err == nil {
			add(name, text)
		}
	}
	return headers, e.Data()
}

// Header gives the header of one attribute that has a value.
func (s Style) Header(attribute, value string) Header {
	return Header{s.name(attribute), s.encode(value)}
}

// attributes is how many an event has beside extensions.
const attributes = 8

// name gives the header of an attribute, which has an ASCII name.
func (s Style) name(attribute string) string {
	if s.canonical && attribute[0] >= 'a' && attribute[0] <= 'z' {
		return "Ce-" + string(attribute[0]-'a'+'A') + attribute[1:]
	}
	return s.Prefix + attribute
}

func (s Style) encode(v string) string {
	if !s.Percent {
		return v
	}
	return Percent(v)
}

func (s Style) decode(v string) (string, error) {
	if len(v) > maxValueBytes {
		return "", fmt.Errorf("%d bytes (limit %d)", len(v), maxValueBytes)
	}
	if s.Percent {
		v = unquote(v)
		if strings.IndexByte(v, '%') >= 0 {
			v = unpercent(v)
		}
	}
	if !utf8.ValidString(v) {
		return "", fmt.Errorf("%.40q is not UTF-8", v)
	}
	return v, nil
}

const upper = "0123456789ABCDEF"

// Percent encodes a value as the HTTP and NATS bindings want it (HTTP binding 1.0.2, 3.1.3.2): what is not printable ASCII, spaces, quotes and
// percent signs.
func Percent(v string) string {
	plain := true
	for i := range len(v) {
		plain = plain && printable(v[i])
	}
	if plain {
		return v
	}
	var b strings.Builder
	for i := range len(v) {
		if c := v[i]; printable(c) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', upper[c>>4], upper[c&15]})
		}
	}
	return b.String()
}

func printable(c byte) bool { return c > ' ' && c < 0x7f && c != '"' && c != '%' }

// unpercent decodes; a percent sign without two digits stays, since senders of older versions of the binding did not encode it.
func unpercent(v string) string {
	b := make([]byte, 0, len(v))
	for i := 0; i < len(v); i++ {
		if v[i] == '%' && i+2 < len(v) {
			if hi, lo := digit(v[i+1]), digit(v[i+2]); hi >= 0 && lo >= 0 {
				b = append(b, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		b = append(b, v[i])
	}
	return string(b)
}

func digit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// unquote takes the quotes and backslashes off a quoted string (RFC 7230, 3.2.6).
func unquote(v string) string {
	if len(v) < 2 || v[0] != '"' || v[len(v)-1] != '"' {
		return v
	}
	b := make([]byte, 0, len(v))
	for i := 1; i < len(v)-1; i++ {
		if v[i] == '\\' && i+1 < len(v)-1 {
			i++
		}
		b = append(b, v[i])
	}
	return string(b)
}

// Attribute gives an attribute by its name, an extension too. False: the event has none, or an empty one.
func Attribute(e event.Event, name string) (string, bool) {
	var v string
	switch name {
	case "id":
		v = e.ID()
	case "source":
		v = e.Source()
	case "type":
		v = e.Type()
	case "subject":
		v = e.Subject()
	case "datacontenttype":
		v = e.DataContentType()
	case "dataschema":
		v = e.DataSchema()
	default:
		x, ok := e.Extensions()[name]
		if !ok {
			return "", false
		}
		v, _ = types.Format(x)
	}
	return v, v != ""
}
