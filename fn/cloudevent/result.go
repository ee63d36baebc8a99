package cloudevent

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/java"
)

const (
	// maxResultDepth and maxResultValues bound a reply's data: a result may contain itself, or the same value many times, so that a few bytes stand for
	// any number.
	maxResultDepth  = 500
	maxResultValues = 4 << 20
)

var errResult = errors.New("the result nests too deep or is too large")

// data gives what a call gave, or what its exception became, as JSON.
func (c *rule) data(value any) ([]byte, error) {
	if _, thrown := value.(thrown); c.own && !thrown {
		if text, ok := c.method.ToJSON(value); ok {
			return text, nil
		}
		var err error
		if value, err = c.method.Result(value); err != nil {
			return nil, err
		}
	}
	return dataOf(value)
}

// dataOf gives a result as JSON, in the form that arguments are read from: a class as an object of its fields, byte[] as base64, a date in RFC 3339, numbers
// with all their digits.
func dataOf(value any) ([]byte, error) {
	r := result{left: maxResultValues}
	v, err := r.plain(value, 0)
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// result counts the values down.
type result struct{ left int }

func (r *result) plain(v any, depth int) (any, error) {
	if r.left--; r.left < 0 || depth > maxResultDepth {
		return nil, errResult
	}
	switch x := v.(type) {
	case nil, bool, string, int8, int16, int32, int64, int, json.Number:
		return v, nil
	case float64:
		return finite(x, v), nil
	case float32:
		return finite(float64(x), v), nil
	case []byte:
		return base64.StdEncoding.EncodeToString(x), nil
	case time.Time:
		return x.UTC().Format("2006-01-02T15:04:05.000Z07:00"), nil
	case *big.Int:
		return json.Number(x.String()), nil
	case *java.BigDecimal:
		return json.Number(x.String()), nil
	case *java.Object:
		m := make(map[string]any, len(x.Fields))
		for _, f := range x.Fields {
			if err := r.member(m, f.Name, f.Value, depth); err != nil {
				return nil, err
			}
		}
		return m, nil
	case *java.Map:
		m := make(map[string]any, len(x.Entries))
		for _, en := range x.Entries {
			if err := r.member(m, fmt.Sprint(en.Key), en.Value, depth); err != nil {
				return nil, err
			}
		}
		return m, nil
	case *java.List:
		return r.items(reflect.ValueOf(x.Items), depth)
	}
	switch of := reflect.ValueOf(v); of.Kind() {
	case reflect.Map:
		return r.entries(of, depth)
	case reflect.Slice, reflect.Array:
		return r.items(of, depth)
	}
	return fmt.Sprint(v), nil
}

func (r *result) member(m map[string]any, name string, v any, depth int) (err error) {
	m[name], err = r.plain(v, depth+1)
	return err
}

func (r *result) entries(of reflect.Value, depth int) (any, error) {
	generic := of.Type().Key().Kind() == reflect.Interface
	m := make(map[string]any, of.Len())
	for k, e := range of.Seq2() {
		key, v := fmt.Sprint(k.Interface()), e.Interface()
		if class, ok := v.(string); ok && generic && key == "class" && strings.Contains(class, ".") {
			continue // what a generic call names an object's class by
		}
		if err := r.member(m, key, v, depth); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (r *result) items(of reflect.Value, depth int) (any, error) {
	items := make([]any, of.Len())
	for i := range items {
		var err error
		if items[i], err = r.plain(of.Index(i).Interface(), depth+1); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// finite gives v, or its name where JSON has no number for it.
func finite(f float64, v any) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Sprint(v)
	}
	return v
}
