package cloudevent

import (
	"bytes"
	"encoding/json"
)

// find gives the text of a part of a JSON text, without reading the rest of it into anything. False: the text is none, or has no such part.
func find(text []byte, path []any) (part []byte, ok bool) {
	if len(path) == 0 {
		return text, true
	}
	if !json.Valid(text) { // what follows relies on it
		return nil, false
	}
	for _, step := range path {
		switch s := step.(type) {
		case string:
			text = member(text, s)
		case int:
			text = element(text, s)
		}
		if text == nil {
			return nil, false
		}
	}
	return text, true
}

// member gives an object's, the last one of that name, as encoding/json does.
func member(text []byte, name string) (value []byte) {
	if text = space(text); text[0] != '{' {
		return nil
	}
	for text = space(text[1:]); text[0] != '}'; {
		n := valueEnd(text)
		same := named(text[:n], name)
		text = space(space(text[n:])[1:]) // the colon
		n = valueEnd(text)
		if same {
			value = text[:n:n]
		}
		if text = space(text[n:]); text[0] == ',' {
			text = space(text[1:])
		}
	}
	return value
}

// element gives a list's.
func element(text []byte, at int) []byte {
	if text = space(text); text[0] != '[' {
		return nil
	}
	for text = space(text[1:]); text[0] != ']'; at-- {
		n := valueEnd(text)
		if at == 0 {
			return text[:n:n]
		}
		if text = space(text[n:]); text[0] == ',' {
			text = space(text[1:])
		}
	}
	return nil
}

func named(quoted []byte, name string) bool {
	plain := true
	for _, c := range quoted {
		plain = plain && c != '\\' && c < 0x80
	}
	if plain {
		return string(quoted[1:len(quoted)-1]) == name
	}
	var s string
	return json.Unmarshal(quoted, &s) == nil && s == name
}

func space(text []byte) []byte { return bytes.TrimLeft(text, " \t\r\n") }

// valueEnd gives where the value ends that a valid text begins with.
func valueEnd(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 { // of what a number stands in
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return len(text)
}
