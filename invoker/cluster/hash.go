package cluster

import (
	"crypto/md5" // what Java's ring is made of; it protects nothing
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"sync"

	"github.com/dubbofn/dubbofn/invoker"
)

// ring is where the providers stand on the circle of [byHash]: at each place a hash in the upper half and the provider's index
// in the lower. It is made by the first call that needs it: of 10,000 providers that takes a good tenth of a second.
type ring struct {
	once   sync.Once
	places []uint64 // rising
	starts []int32  // of the places whose hash begins with so many bits
	bits   int
}

// byHash sends calls with the same arguments to the same provider, also when others come and go. The provider is the one that
// Java takes (ConsistentHashLoadBalance, 3.3.6) where the arguments that count (hash.arguments, by default the first) are
// strings, whole numbers or booleans. When that one can't be used, it is the next on the ring.
func byHash(v *view, s *settings, inv *invoker.Invocation, n int, _ random) int {
	at := v.onRing(s, inv)
	if at < 0 {
		return 0
	}
	c := &v.circle
	i := c.provider(at)
	for ; n > 0; n-- { // past those that were tried
		last := i
		for range c.places {
			at++
			if i = c.provider(at); i != last {
				break
			}
		}
	}
	return i
}

// onRing gives a call's place on the ring.
func (v *view) onRing(s *settings, inv *invoker.Invocation) int {
	c := &v.circle
	c.once.Do(func() { c.fill(v.providers, s.hashNodes) })
	if len(c.places) == 0 {
		return -1
	}
	var room [128]byte
	sum := md5.Sum(hashKey(room[:0], s.hashArguments, inv))
	return c.find(binary.LittleEndian.Uint32(sum[:]))
}

// along gives the first provider from a call's place on that will do; -1 where none will.
func (v *view) along(s *settings, inv *invoker.Invocation, good func(i int) bool) int {
	at := v.onRing(s, inv)
	for n := range v.circle.places {
		if i := v.circle.provider(at + n); good(i) {
			return i
		}
	}
	return -1
}

// hashKey is the arguments that count, one after another, as Java writes them.
func hashKey(buf []byte, arguments []int, inv *invoker.Invocation) []byte {
	args := inv.Args
	if inv.Method == "$invoke" && len(args) == 3 {
		if inner, ok := args[2].([]any); ok {
			args = inner
		}
	}
	for _, i := range arguments {
		if i < 0 || i >= len(args) {
			continue
		}
		switch a := args[i].(type) {
		case nil:
			buf = append(buf, "null"...)
		case string:
			buf = append(buf, a...)
		case int:
			buf = strconv.AppendInt(buf, int64(a), 10)
		case int64:
			buf = strconv.AppendInt(buf, a, 10)
		case int32:
			buf = strconv.AppendInt(buf, int64(a), 10)
		case bool:
			buf = strconv.AppendBool(buf, a)
		default:
			buf = fmt.Appendf(buf, "%v", a)
		}
	}
	return buf
}

func (c *ring) provider(at int) int { return int(uint32(c.places[at%len(c.places)])) }

// find gives the first place whose hash is h or more.
func (c *ring) find(h uint32) int {
	b := int(h >> (32 - c.bits))
	lo, hi := int(c.starts[b]), int(c.starts[b+1])
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if uint32(c.places[mid]>>32) < h {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// fill gives every provider its places. Where two claim one place, the later has it, as in Java's TreeMap.
func (c *ring) fill(providers []*Provider, nodes int) {
	places := make([]uint64, 0, len(providers)*(nodes/4)*4)
	var buf []byte
	for i, p := range providers {
		buf = append(buf[:0], p.Address...)
		address := len(buf)
		for n := range nodes / 4 {
			buf = strconv.AppendInt(buf[:address], int64(n), 10)
			sum := md5.Sum(buf)
			for h := range 4 {
				places = append(places, uint64(binary.LittleEndian.Uint32(sum[h*4:]))<<32|uint64(i))
			}
		}
	}
	slices.Sort(places)
	kept := places[:0]
	for i, p := range places {
		if i+1 < len(places) && places[i+1]>>32 == p>>32 {
			continue
		}
		kept = append(kept, p)
	}
	c.places = kept
	c.bits = max(1, bits.Len(uint(len(kept)))-4) // some 16 places for each start
	c.starts = make([]int32, 1<<c.bits+1)
	at := 0
	for b := range c.starts {
		for at < len(kept) && kept[at]>>(64-c.bits) < uint64(b) {
			at++
		}
		c.starts[b] = int32(at)
	}
}
