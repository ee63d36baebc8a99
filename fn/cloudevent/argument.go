package cloudevent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"strconv"
	"strings"
	"unicode/utf8"

	sdk "github.com/cloudevents/sdk-go/v2/event"

	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/java"
)

// argument is where one comes from.
type argument struct {
	whole     bool
	data      bool
	path      []any // of the data: names and numbers
	attribute string
	value     any // a constant
}

const (
	fromEvent     = "event"
	fromData      = "data"
	fromAttribute = "attribute:"
	maxSteps      = 64
)

func parseArgument(a event.Arg) (argument, error) {
	switch {
	case a.From == "":
		return argument{value: a.Const}, nil
	case a.From == fromEvent:
		return argument{whole: true}, nil
	case a.From == fromData:
		return argument{data: true}, nil
	case strings.HasPrefix(a.From, fromAttribute):
		name := a.From[len(fromAttribute):]
		if name != "specversion" && !attributeName(name) {
			return argument{}, fmt.Errorf("%q: want an attribute's name: small letters and digits", a.From)
		}
		return argument{attribute: name}, nil
	case strings.HasPrefix(a.From, fromData+".") || strings.HasPrefix(a.From, fromData+"["):
		path, err := parsePath(a.From[len(fromData):])
		return argument{data: true, path: path}, err
	}
	return argument{}, fmt.Errorf("%q: want event, data, data.PATH, attribute:NAME or {const: VALUE}", a.From)
}

// parsePath reads `.customer.items[0]["a.b"]`.
func parsePath(s string) (path []any, err error) {
	whole := s
	bad := func() ([]any, error) {
		return nil, fmt.Errorf("%q: want a path as data.customer.items[0] or data[\"a.b\"]", fromData+whole)
	}
	for s != "" {
		if len(path) == maxSteps {
			return nil, fmt.Errorf("%q: more than %d steps", fromData+whole, maxSteps)
		}
		if s[0] == '.' {
			n := strings.IndexAny(s[1:], ".[")
			if n < 0 {
				n = len(s) - 1
			}
			if n == 0 {
				return bad()
			}
			path, s = append(path, s[1:1+n]), s[1+n:]
			continue
		}
		end := strings.IndexByte(s, ']')
		if s[0] != '[' || end < 2 {
			return bad()
		}
		if s[1] == '"' {
			quoted, err := strconv.QuotedPrefix(s[1:])
			if err != nil || !strings.HasPrefix(s[1+len(quoted):], "]") {
				return bad()
			}
			name, err := strconv.Unquote(quoted)
			if err != nil {
				return bad()
			}
			path, s = append(path, name), s[len(quoted)+2:]
			continue
		}
		n, err := strconv.Atoi(s[1:end])
		if err != nil || n < 0 {
			return bad()
		}
		path, s = append(path, n), s[end+1:]
	}
	return path, nil
}

// of gives the argument's value of an event.
func (a argument) of(d *document) (any, error) {
	switch {
	case a.whole:
		return d.all()
	case a.attribute != "":
		v, ok := d.attribute(a.attribute)
		if !ok {
			return nil, nil
		}
		return v, nil
	case a.data:
		v, err := d.data()
		if err != nil {
			return nil, err
		}
		return walk(v, a.path), nil
	}
	return a.value, nil
}

// walk follows a path. What is not there is null.
func walk(v any, path []any) any {
	for _, step := range path {
		switch s := step.(type) {
		case string:
			switch m := v.(type) {
			case map[string]any:
				v = m[s]
			case map[any]any:
				v = m[s]
			default:
				return nil
			}
		case int:
			items, ok := v.([]any)
			if !ok || s >= len(items) {
				return nil
			}
			v = items[s]
		}
	}
	return v
}

// document is an event whose data is read once, when an argument asks for it. For one goroutine.
type document struct {
	e    *incoming
	host event.Host

	read  bool
	value any
	err   error
}

func (d *document) attribute(name string) (string, bool) {
	if name == "specversion" {
		return d.e.event().SpecVersion(), true
	}
	if name == "time" {
		if t := d.e.event().Time(); !t.IsZero() {
			return t.UTC().Format("2006-01-02T15:04:05.999999999Z07:00"), true
		}
		return "", false
	}
	return d.e.attribute(name)
}

// all gives the event as a map.
func (d *document) all() (any, error) {
	m := map[string]any{}
	for _, name := range []string{"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema"} {
		if v, ok := d.attribute(name); ok {
			m[name] = v
		}
	}
	for name := range d.e.event().Extensions() {
		if v, ok := d.attribute(name); ok {
			m[name] = v
		}
	}
	v, err := d.data()
	m["data"] = v
	return m, err
}

// raw gives the text of the data, or of a part of it, where it is JSON. Whatever is not as it should be, or not there, is left to data.
func (d *document) raw(path []any) (text []byte, ok bool) {
	text = d.e.data
	if media := d.e.contentType; len(text) == 0 || media != "" && media != sdk.ApplicationJSON {
		return nil, false
	}
	return find(text, path)
}

// data reads the data by its content type: JSON, which is also what data without one is (CloudEvents 1.0.2, JSON format 3.1), hessian2, text, or bytes.
func (d *document) data() (any, error) {
	if !d.read {
		d.read = true
		d.value, d.err = d.decode()
	}
	return d.value, d.err
}

func (d *document) decode() (any, error) {
	b := d.e.data
	if len(b) == 0 {
		return nil, nil
	}
	given := d.e.contentType
	media, _, err := mime.ParseMediaType(given)
	switch {
	case given == "":
		media = sdk.ApplicationJSON
	case err != nil:
		return nil, fmt.Errorf("datacontenttype %.100q is none", given)
	}
	switch {
	case media == sdk.ApplicationJSON || media == "text/json" || strings.HasSuffix(media, "+json"):
		return parseJSON(b)
	case media == "application/x-hessian" || media == "application/x-hessian2" || media == "application/hessian2":
		return d.host.ReadHessian(b)
	case strings.HasPrefix(media, "text/"):
		if !utf8.Valid(b) {
			return nil, fmt.Errorf("data of type %s is not UTF-8", media)
		}
		return string(b), nil
	}
	return b, nil
}

// parseJSON reads one value, numbers as they are written. Its depth is bounded by encoding/json.
func parseJSON(b []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("data is no JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("data is no JSON: there is more behind its value")
	}
	return v, nil
}

// maxDigits bounds whole numbers of any size: reading one takes time that grows faster than its digits.
const maxDigits = 1000

// foreign gives an argument of a method that is known by its Java types only. Java makes what it takes of what comes, but for a BigDecimal's digits.
func foreign(declared string, v any) (any, error) {
	if n, ok := v.(json.Number); ok && declared == "java.math.BigDecimal" {
		return java.ParseBigDecimal(string(n))
	}
	return dynamic(v), nil
}

// dynamic gives what encoding/json gave as what Hessian can write: numbers as Java would have them.
func dynamic(v any) any {
	switch x := v.(type) {
	case json.Number:
		if n, err := strconv.ParseInt(string(x), 10, 64); err == nil {
			if n == int64(int32(n)) {
				return int32(n)
			}
			return n
		}
		if len(x) <= maxDigits && !strings.ContainsAny(string(x), ".eE") {
			n, _ := new(big.Int).SetString(string(x), 10)
			return n
		}
		f, _ := x.Float64() // too large ones are infinite
		return f
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = dynamic(x[i])
		}
		return out
	case map[string]any:
		out := make(map[any]any, len(x))
		for k, e := range x {
			out[k] = dynamic(e)
		}
		return out
	}
	return v
}
