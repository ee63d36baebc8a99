package dubbo

import (
	"bytes"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

// lastSeen is what a connection's last request had before and after its arguments. Most requests of a connection have the same bytes there, and
// comparing them is all that it then takes. The zero value has seen nothing. Safe for concurrent use.
type lastSeen struct {
	head   atomic.Pointer[head]
	tail   atomic.Pointer[tail]
	missed atomic.Uint32 // requests in a row whose tail was another
}

// head is what stands before the arguments: strings alone, so the same bytes mean the same wherever they stand.
type head struct {
	raw    []byte
	names  *names
	target invoker.Invoker
	sig    *hessian.Signature
}

// names are the strings of a request's head, shared by all requests that have the same head.
type names struct {
	path, version, method, descriptor string
	attachments                       bool // the consumer reads attachments of responses
}

// tail is what stands behind the arguments: attachments that are all text.
type tail struct {
	raw         []byte
	attachments invoker.Attachments // shared
	told        told
}

// told is what attachments say to the server itself.
type told struct {
	group       string
	application string        // remote.application, else application
	timeout     time.Duration // attachment "timeout"
	left        time.Duration // attachment "_TO"
	hasLeft     bool
	ledger      bool // the consumer asks for the ledger
}

const (
	maxNames     = 1024 // heads that are remembered
	maxSeenBytes = 1024 // of a head, or a tail, that is remembered
	manyMisses   = 16   // after so many tails that were others, only one in so many is remembered: they may have a trace's number in them
)

// headCache remembers heads that named something that exists. Safe for concurrent use, reads take no lock.
type headCache struct {
	mu  sync.Mutex
	now atomic.Pointer[map[string]*head]
}

func (c *headCache) get(raw []byte) *head {
	if m := c.now.Load(); m != nil {
		return (*m)[string(raw)]
	}
	return nil
}

func (c *headCache) put(h *head) {
	if len(h.raw) > maxSeenBytes {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	next := map[string]*head{}
	if m := c.now.Load(); m != nil {
		if len(*m) >= maxNames {
			return
		}
		maps.Copy(next, *m)
	}
	next[string(h.raw)] = h
	c.now.Store(&next)
}

// known gives the head that a body begins with, nil where it is not the last one.
func (s *lastSeen) known(body []byte) *head {
	if h := s.head.Load(); h != nil && bytes.HasPrefix(body, h.raw) {
		return h
	}
	return nil
}

// same gives the tail whose bytes these are, nil where it is not the last one.
func (s *lastSeen) same(raw []byte) *tail {
	if t := s.tail.Load(); t != nil && bytes.Equal(raw, t.raw) {
		if s.missed.Load() != 0 {
			s.missed.Store(0)
		}
		return t
	}
	return nil
}

// remember keeps a tail that was read, where that may pay and its bytes mean the same wherever they stand.
func (s *lastSeen) remember(raw []byte, a *invoker.Attachments, t told) {
	if n := s.missed.Add(1); len(raw) > maxSeenBytes || n > manyMisses && n%manyMisses != 0 || !plainText(raw, a) {
		return
	}
	s.tail.Store(&tail{raw: bytes.Clone(raw), attachments: a.Share(), told: t})
}

// plainText tells whether raw is nothing but a map of these texts: no class, no reference.
func plainText(raw []byte, a *invoker.Attachments) bool {
	var enc hessian.Encoder
	enc.Reset(nil, make([]byte, 0, len(raw)))
	enc.MapBegin("")
	for k, v := range a.All() {
		text, ok := v.(string)
		if !ok {
			return false
		}
		enc.String(k)
		enc.String(text)
	}
	enc.MapEnd()
	return bytes.Equal(raw, enc.Bytes())
}
