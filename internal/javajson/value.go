package javajson

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
)

// Parse reads one argument: JSON, or a bare word, which is taken as a string.
// Whole numbers become int (long beyond 32 bits, BigInteger beyond 64), others double; an object is a Map, or the class that its key "class" names.
func Parse(s string) (any, error) {
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil || dec.InputOffset() != int64(len(strings.TrimRight(s, " \t\r\n"))) {
		if strings.ContainsAny(s[:min(len(s), 1)], `{["`) {
			return nil, fmt.Errorf("argument %s is not JSON; quote it for the shell, e.g. '{\"name\":\"Ada\"}'", s)
		}
		return s, nil
	}
	return Value(v)
}

// Value gives the value for what encoding/json read with UseNumber, as [Parse] does.
func Value(v any) (any, error) {
	switch x := v.(type) {
	case json.Number:
		return fromNumber(string(x))
	case []any:
		for i := range x {
			var err error
			if x[i], err = Value(x[i]); err != nil {
				return nil, err
			}
		}
		return x, nil
	case map[string]any:
		m := make(map[any]any, len(x))
		for k, e := range x {
			e, err := Value(e)
			if err != nil {
				return nil, err
			}
			m[k] = e
		}
		return m, nil
	default:
		return v, nil
	}
}

func fromNumber(s string) (any, error) {
	if !strings.ContainsAny(s, ".eE") {
		n, ok := new(big.Int).SetString(s, 10)
		if !ok {
			return nil, fmt.Errorf("number %s can't be read", s)
		}
		switch {
		case !n.IsInt64():
			return n, nil
		case n.Int64() == int64(int32(n.Int64())):
			return int32(n.Int64()), nil
		default:
			return n.Int64(), nil
		}
	}
	f, err := json.Number(s).Float64()
	if err != nil {
		return nil, fmt.Errorf("number %s: %w", s, err)
	}
	return f, nil
}
