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
	shared  bool // others have the same entries: copied before they are changed
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

// Share gives a copy. Nothing is copied until it, or a, is changed. A value that came of Share may itself be shared by several goroutines at once.
func (a *Attachments) Share() Attachments {
	if !a.shared {
		a.shared = true
	}
	return *a
}

// own has entries that nobody else has, with room for n more.
func (a *Attachments) own(n int) {
	if a.shared {
		a.entries, a.shared = append(make([]attachment, 0, len(a.entries)+n), a.entries...), false
	}
}

// Set adds or replaces an attachment. The value is a string or anything that the wire can carry.
func (a *Attachments) Set(key string, value any) {
	a.own(1)
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
func (a *Attachments) Grow(n int) {
	a.own(n)
	a.entries = slices.Grow(a.entries, n)
}

// Delete removes an attachment.
func (a *Attachments) Delete(key string) {
	a.own(0)
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
	if a.shared {
		a.entries, a.shared = nil, false
	}
	clear(a.entries)
	a.entries = a.entries[:0]
}
