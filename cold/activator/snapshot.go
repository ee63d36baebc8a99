package activator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/internal/earlylane"
)

const (
	headerSnapshot = "Dubbofn-Snapshot" // asks a process for what the next one should know

	snapshotFirst   = 3 * time.Second  // after a lane was opened: by then it has learned something
	snapshotAgain   = 30 * time.Second // and it may learn more
	snapshotTimeout = 10 * time.Second
	maxSnapshots    = 64 << 20 // bytes of all apps'
)

// snapshots are what starting processes are greeted with: each app's last, as one of its processes gave it. A replica knows those of the
// processes that have dialled it. Safe for concurrent use.
type snapshots struct {
	mu    sync.Mutex
	all   map[string][]byte
	bytes int
}

func (x *snapshots) of(app string) []byte {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.all[app]
}

// put keeps one; nil forgets it. It tells whether there was room.
func (x *snapshots) put(app string, b []byte) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	bytes := x.bytes - len(x.all[app]) + len(b)
	if bytes > maxSnapshots {
		return false
	}
	if x.all == nil {
		x.all = map[string][]byte{}
	}
	x.bytes = bytes
	x.all[app] = b
	if b == nil {
		delete(x.all, app)
	}
	return true
}

// learn asks the process at the end of a lane for its snapshot, now and then, until the lane ends. The platform doesn't see these requests, so
// they keep nothing awake.
func (x *snapshots) learn(ctx context.Context, s *sleeper, l *lane) {
	t := time.NewTimer(snapshotFirst)
	defer t.Stop()
	for {
		select {
		case <-l.conn.Done():
			return
		case <-ctx.Done():
			return
		case <-t.C:
		}
		t.Reset(snapshotAgain)
		b, err := fetchSnapshot(ctx, s.now.Load(), l)
		switch {
		case errors.Is(err, errNoSnapshot):
			return
		case err != nil:
			s.a.log.Debug("activator: a process gave no snapshot", "app", s.name, "instance", l.instance, "error", err)
		case !x.put(s.name, b):
			s.a.log.Warn("activator: a snapshot is not kept", "app", s.name, "bytes", len(b), "limit_of_all", maxSnapshots)
		}
	}
}

// errNoSnapshot is a process that has nothing to hand over, and never will.
var errNoSnapshot = errors.New("it has none")

func fetchSnapshot(ctx context.Context, a *app, l *lane) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, snapshotTimeout)
	defer cancel()
	req := a.template.WithContext(ctx)
	req.Header = http.Header{headerSnapshot: {"1"}, headerToken: {a.Token}, headerUserAgent: none}
	resp, err := l.conn.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusServiceUnavailable, http.StatusInternalServerError:
		return nil, fmt.Errorf("it answers %s", resp.Status)
	default:
		return nil, errNoSnapshot
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, earlylane.MaxSnapshotBytes+1))
	if err != nil {
		return nil, err
	}
	if len(b) > earlylane.MaxSnapshotBytes {
		return nil, fmt.Errorf("it has more than %d bytes", earlylane.MaxSnapshotBytes)
	}
	return b, nil
}
