package lent

import (
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/internal/keeperwire"
)

// A keeper that hangs keeps its connections open, and what waits there would wait as long as its callers do, or until a connection of Dubbo's is given up: 3 minutes.
// So it is asked for a sign of life while there are channels. What it sends otherwise is one too.
const (
	probeEvery = 500 * time.Millisecond
	quietFor   = time.Second // without a byte of the keeper's: then it is asked
	answerIn   = 6           // looks, of probeEvery each, and then given up: counted, since this process may have been the one that stood still
)

// errHangs is why channels end whose keeper was given up. What was sent there may have reached its provider.
var errHangs = errors.New("the keeper hangs: it gave no sign of life for 4 s")

// pulse is when the keeper was heard last. Safe for concurrent use.
type pulse struct {
	r     io.Reader
	begin time.Time
	heard atomic.Int64 // since begin
	held  atomic.Bool  // what has arrived is not being read: a channel's user takes his time
}

func newPulse(r io.Reader) *pulse { return &pulse{r: r, begin: time.Now()} }

// Read notes that something came.
func (p *pulse) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.hear()
	return n, err
}

func (p *pulse) hear() { p.heard.Store(int64(time.Since(p.begin))) }

// hold is for when nothing is read, whatever the keeper sends.
func (p *pulse) hold(on bool) {
	p.hear()
	p.held.Store(on)
}

func (p *pulse) quiet() time.Duration { return time.Since(p.begin) - time.Duration(p.heard.Load()) }

// watch asks the keeper for signs of life until done is closed, and ends the connection where none comes.
func (l *link) watch(done <-chan struct{}) {
	every := time.NewTicker(probeEvery)
	defer every.Stop()
	asked := 0 // how many looks ago, with this one; 0: it need not answer
	for {
		select {
		case <-done:
			return
		case <-every.C:
		}
		if asked > 0 {
			asked++
		}
		switch {
		case l.pulse.quiet() < quietFor || l.pulse.held.Load() || !l.used():
			asked = 0
		case asked == 0:
			asked = 1
			// Without room for it much else is there that the keeper doesn't read.
			l.w.Send(keeperwire.HeaderBytes, func(b []byte) []byte { return keeperwire.Append(b, keeperwire.Ping, 0, nil) })
		case asked > answerIn:
			l.fail(errHangs)
			return
		}
	}
}

// used tells whether there are channels.
func (l *link) used() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.channels) > 0
}
