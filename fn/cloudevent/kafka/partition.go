package kafka

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// partition is one that is ours, and how far it is handled. What is committed is the prefix: a record behind one that is not handled yet is never
// told to be.
type partition struct {
	number  int32
	drop    chan struct{}   // closed when the partition is taken from us: nothing of it is tried any more
	ctx     context.Context //nolint:containedctx // its calls', as long as the partition is ours
	end     context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	pending []record           // what is here, in order; the first one is not handled
	bytes   int                // of all that is here
	done    map[int64]struct{} // those of pending that are
	next    kgo.EpochOffset    // what to commit: the offset behind the last of the prefix
	dirty   bool               // next is not committed
	paused  bool
}

// record is what is kept of one that is here.
type record struct {
	at    kgo.EpochOffset
	bytes int
}

func newPartition(ctx context.Context, number int32, end context.CancelFunc) *partition {
	return &partition{number: number, ctx: ctx, end: end, drop: make(chan struct{}), done: map[int64]struct{}{}}
}

// add notes a record, and pauses the partition where as many are here as may be.
func (p *partition) add(r *kgo.Record, most int, pause func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := record{at: kgo.EpochOffset{Epoch: r.LeaderEpoch, Offset: r.Offset}, bytes: len(r.Key) + len(r.Value)}
	p.pending, p.bytes = append(p.pending, one), p.bytes+one.bytes
	if !p.paused && (len(p.pending) >= most || p.bytes >= keptBytes) {
		p.paused = true
		pause()
	}
}

// finish notes that a record is handled, and resumes the partition where there is room again.
func (p *partition) finish(r *kgo.Record, most int, resume func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done[r.Offset] = struct{}{}
	for len(p.pending) > 0 {
		first := p.pending[0]
		if _, ok := p.done[first.at.Offset]; !ok {
			break
		}
		delete(p.done, first.at.Offset)
		p.next, p.dirty = kgo.EpochOffset{Epoch: first.at.Epoch, Offset: first.at.Offset + 1}, true
		p.pending, p.bytes = p.pending[1:], p.bytes-first.bytes
	}
	if p.paused && len(p.pending) <= most/2 && p.bytes <= keptBytes/2 {
		p.paused = false
		resume()
	}
}

// uncommitted gives what is to be committed, if there is anything.
func (p *partition) uncommitted() (o kgo.EpochOffset, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.next, p.dirty
}

// committed notes that it was.
func (p *partition) committed(o kgo.EpochOffset) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == o {
		p.dirty = false
	}
}

// close ends what still runs.
func (p *partition) close() { p.end() }

// dropped tells whether the partition was taken from us.
func (p *partition) dropped() bool {
	select {
	case <-p.drop:
		return true
	default:
		return false
	}
}
