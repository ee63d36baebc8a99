package cebind

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
)

// ReadJSON makes an event of its JSON format (CloudEvents 1.0.2, JSON format). The SDK's reader is not enough for what a stranger sends: version 2.16.2
// panics at data_base64 that is a digit, ends at an empty name, takes what is behind the object, and prints whole values into its errors.
func ReadJSON(body []byte) (event.Event, error) {
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return event.Event{}, errors.New("read event: neither attributes among the headers nor a JSON object as the body")
	}
	members, err := membersOf(body)
	if err != nil {
		return event.Event{}, fmt.Errorf("read event: %w", err)
	}
	var version string
	if raw, ok := members["specversion"]; !ok {
		return event.Event{}, errors.New("read event: no specversion")
	} else if err := json.Unmarshal(raw, &version); err != nil || version != event.CloudEventsVersionV1 && version != event.CloudEventsVersionV03 {
		return event.Event{}, fmt.Errorf("read event: specversion %.20s: want \"1.0\"", raw)
	}
	delete(members, "specversion")
	content := contentOf(members, version)
	e := event.New(version)
	for name, raw := range members {
		value, err := attributeOf(raw)
		if err == nil && value != nil {
			err = setValue(&e, name, value)
		}
		if err != nil {
			return event.Event{}, fmt.Errorf("read event: attribute %.40q: %w", name, err)
		}
	}
	if err := content.into(&e); err != nil {
		return event.Event{}, fmt.Errorf("read event: %w", err)
	}
	return e, validate(e)
}

// membersOf gives the members of a JSON object that is all of a text. A name twice is a fault: readers would differ on which counts.
func membersOf(body []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	members := map[string]json.RawMessage{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("not JSON: %w", err)
		}
		name, _ := t.(string) // the decoder sees to it
		if _, twice := members[name]; twice {
			return nil, fmt.Errorf("%.40q stands twice", name)
		}
		if len(members) == maxAttributes+2 { // data and specversion are none of the attributes
			return nil, fmt.Errorf("more than %d attributes", maxAttributes)
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, fmt.Errorf("not JSON: %w", err)
		}
		members[name] = raw
	}
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("not JSON: there is more behind the object")
	}
	return members, nil
}

// content is an event's data, not yet read: what it is depends on other members.
type content struct {
	data, encoded json.RawMessage // nil: none
	base64        bool            // data is base64 (version 0.3: datacontentencoding)
	fault         error
}

// contentOf takes the data's members out of an event's.
func contentOf(members map[string]json.RawMessage, version string) content {
	c := content{data: members["data"], encoded: members["data_base64"]}
	delete(members, "data")
	delete(members, "data_base64")
	if version == event.CloudEventsVersionV03 {
		if raw, ok := members["datacontentencoding"]; ok && !null(raw) {
			var how string
			if json.Unmarshal(raw, &how) != nil || !strings.EqualFold(how, event.Base64) {
				c.fault = fmt.Errorf("datacontentencoding %.40s: want \"base64\"", raw)
			}
			c.base64 = true
		}
		delete(members, "datacontentencoding")
		if c.encoded != nil {
			c.fault = errors.New("data_base64 is of specversion 1.0")
		}
	}
	if c.data != nil && c.encoded != nil {
		c.fault = errors.New("both data and data_base64")
	}
	return c
}

// into reads the data into an event, whose attributes are set.
func (c content) into(e *event.Event) error {
	switch {
	case c.fault != nil:
		return c.fault
	case c.encoded != nil && !null(c.encoded):
		return c.decode(e, c.encoded, "data_base64")
	case c.data == nil || null(c.data) && !c.base64 && !isJSON(e.DataContentType()):
		return nil
	case c.base64:
		return c.decode(e, c.data, "data")
	case isJSON(e.DataContentType()):
		e.DataEncoded = c.data
		return nil
	}
	var text string
	if json.Unmarshal(c.data, &text) != nil {
		return fmt.Errorf("data of datacontenttype %.100q: want a JSON string, or data_base64", e.DataContentType())
	}
	e.DataEncoded = []byte(text)
	return nil
}

func (c content) decode(e *event.Event, raw json.RawMessage, name string) error {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return fmt.Errorf("%s: want a JSON string", name)
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	e.DataEncoded, e.DataBase64 = b, true
	return nil
}

// isJSON tells whether data of a content type is JSON as it is, as data without one is (JSON format 3.1).
func isJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == event.ApplicationJSON || media == event.TextJSON || strings.HasSuffix(media, "+json"))
}

func null(raw json.RawMessage) bool { return string(raw) == "null" }

// attributeOf reads a text, a boolean or a number. nil: null, which says that there is none.
func attributeOf(raw json.RawMessage) (any, error) {
	if len(raw) > 6*maxValueBytes { // a byte may be written in six
		return nil, fmt.Errorf("%d bytes (limit %d)", len(raw), maxValueBytes)
	}
	switch {
	case null(raw):
		return nil, nil
	case raw[0] == '"':
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, err
		}
		if len(text) > maxValueBytes {
			return nil, fmt.Errorf("%d bytes (limit %d)", len(text), maxValueBytes)
		}
		return text, nil
	case raw[0] == 't', raw[0] == 'f':
		return raw[0] == 't', nil
	case raw[0] == '{', raw[0] == '[':
		return nil, errors.New("want a string, a boolean or a number, not a list or an object")
	}
	if n, err := strconv.ParseInt(string(raw), 10, 32); err == nil {
		return int32(n), nil
	}
	return string(raw), nil // what is no Integer of CloudEvents is kept as it is written
}

// setValue gives an event one attribute. Only extensions may be anything else than text.
func setValue(e *event.Event, name string, value any) error {
	if text, ok := value.(string); ok {
		return set(e, name, text)
	}
	switch name {
	case "id", "source", "type", "subject", "datacontenttype", "dataschema", "schemaurl", "time":
		return fmt.Errorf("%v: want a string", value)
	}
	return setExtension(e, name, value)
}

// WriteJSON gives an event in structured mode: the content type, and the JSON format as body. Data that only says that it is JSON goes as base64. (The SDK
// writes data of a type as application/vnd.x+json as a text, which other languages' SDKs read as one.)
func WriteJSON(e event.Event) (headers []Header, body []byte, err error) {
	members := map[string]any{}
	add := func(name, value string) {
		if value != "" {
			members[name] = value
		}
	}
	schema := "dataschema"
	if e.SpecVersion() == event.CloudEventsVersionV03 {
		schema = "schemaurl"
	}
	add("specversion", e.SpecVersion())
	add("id", e.ID())
	add("source", e.Source())
	add("type", e.Type())
	add("subject", e.Subject())
	add(schema, e.DataSchema())
	add("datacontenttype", e.DataContentType())
	if t := e.Time(); !t.IsZero() {
		add("time", t.UTC().Format(time.RFC3339Nano))
	}
	for name, v := range e.Extensions() {
		switch v.(type) {
		case string, bool, int32:
			members[name] = v
		default:
			if text, err := types.Format(v); err == nil {
				members[name] = text
			}
		}
	}
	addData(members, e)
	if body, err = json.Marshal(members); err != nil {
		return nil, nil, fmt.Errorf("write event: %w", err)
	}
	return []Header{{"content-type", Structured}}, body, nil
}

func addData(members map[string]any, e event.Event) {
	b, isText := e.Data(), utf8.Valid(e.Data()) && !e.DataBase64
	switch {
	case b == nil:
	case isText && isJSON(e.DataContentType()) && json.Valid(b):
		members["data"] = json.RawMessage(b)
	case isText && !isJSON(e.DataContentType()):
		members["data"] = string(b)
	case e.SpecVersion() == event.CloudEventsVersionV03:
		members["datacontentencoding"], members["data"] = event.Base64, b
	default:
		members["data_base64"] = b
	}
}
