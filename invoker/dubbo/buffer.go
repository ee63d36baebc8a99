package dubbo

import (
	"math/bits"
	"sync"
)

// Buffers of 64 KiB and more are pooled by size class: class c holds those of 1<<c bytes up to 1<<(c+1), and headRoom beside, since
// users' values have round sizes. What is above the largest is left to the garbage collector.
const (
	minClassBits = 16
	maxClassBits = 24
	headRoom     = 4 << 10 // for all of a frame but the value
)

// buffers is a pool of byte slices. The zero value is ready.
type buffers struct {
	classes [maxClassBits - minClassBits + 1]sync.Pool
}

// get gives an empty slice with room for n bytes.
func (p *buffers) get(n int) []byte {
	c := max(bits.Len(uint(max(n-headRoom, 1)-1)), minClassBits)
	if c > maxClassBits {
		return make([]byte, 0, n)
	}
	if b, ok := p.classes[c-minClassBits].Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return make([]byte, 0, 1<<c+headRoom)
}

// put takes a slice back; nobody may use it afterwards. Small slices are not kept.
func (p *buffers) put(b []byte) {
	c := bits.Len(uint(max(cap(b)-headRoom, 0))) - 1
	if c < minClassBits || c > maxClassBits {
		return
	}
	kept := b // b itself would be on the heap in every call
	p.classes[c-minClassBits].Put(&kept)
}
