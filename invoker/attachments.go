package invoker

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Attachments are the named values that travel beside a call's arguments or result, in the order in which they came.
// Dubbo allows any Hessian value; most are strings. The zero value is empty and ready to use. Not safe for concurrent writes.
type Attachments struct {
	entries []attachment
}

// few is how many attachments there is room for at first: an answer has one, and so has a Go consumer's call.
const few = 2

type attachment struct {
	key   string
	value any
}

// Len is the number of attachments.
func (a *Attachments) Len() int { return len(a.entries) }

// Get gives a string attachment, "" when there is none. Other kinds are given as fmt.Sprint shows them.
func (a *Attachments) Get(key string) string {
	v, ok := a.Value(key)
	if !ok || v == nil {
		return ""
	}
	if s, ok := v.(string); ok {
		return s
	}
	return fmt.Sprint(v)
}

// Value gives an attachment as it came, and whether there is one.
// A key that differs only in case is found too, as Dubbo 3.x consumers that came through HTTP expect.
func (a *Attachments) Value(key string) (any, bool) {
	for i := range a.entries {
		if a.entries[i].key == key {
			return a.entries[i].value, true
		}
	}
	for i := range a.entries {
		if strings.EqualFold(a.entries[i].key, key) {
			return a.entries[i].value, true
		}
	}
	return nil, false
}

// Set adds or replaces an attachment. The value is a string or anything that the wire can carry.
func (a *Attachments) Set(key string, value any) {
	for i := range a.entries {
		if a.entries[i].key == key {
			a.entries[i].value = value
			return
		}
	}
	if a.entries == nil {
		a.entries = make([]attachment, 0, few)
	}
	a.entries = append(a.entries, attachment{key, value})
}

// Grow makes room for n more attachments, as for a Java consumer's.
func (a *Attachments) Grow(n int) { a.entries = slices.Grow(a.entries, n) }

// Delete removes an attachment.
func (a *Attachments) Delete(key string) {
	for i := range a.entries {
		if a.entries[i].key == key {
			a.entries = append(a.entries[:i], a.entries[i+1:]...)
			return
		}
	}
}

// All yields the attachments in order.
func (a *Attachments) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, e := range a.entries {
			if !yield(e.key, e.value) {
				return
			}
		}
	}
}

// Reset empties a and keeps its room.
func (a *Attachments) Reset() {
	clear(a.entries)
	a.entries = a.entries[:0]
}
