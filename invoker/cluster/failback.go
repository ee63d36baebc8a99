package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

const failbackPause = 5 * time.Second // Java: FailbackClusterInvoker.RETRY_FAILED_PERIOD, 3.3.6

// failback tries once; a failure is logged, the result is empty, and the call is tried again later, every 5 s, up to 3 times
// (retries), where that does no harm. At most 100 calls wait (failbacktasks); what is more is dropped and logged.
func failback(ctx context.Context, a *attempt) (invoker.Result, error) {
	res, err := a.try(ctx)
	if !isError(err) {
		return res, err
	}
	a.c.counts.failsafe.Add(1)
	log := a.c.cfg.Log.With("service", a.inv.Service, "method", methodOf(a.inv), "error", err)
	switch {
	case !retriable(err, a.m.settings.idempotent):
		log.Warn("cluster: a call failed and is not tried again: it may have run, and the method is not declared idempotent (failback)")
	case a.m.settings.backTries == 0:
		log.Warn("cluster: a call failed and is not tried again: retries is 0 (failback)")
	case !a.c.queue.add(a, context.WithoutCancel(ctx)):
		log.Warn("cluster: a call failed and is dropped: too many wait to be tried again (failback)", "limit", a.m.settings.backTasks)
	default:
		log.Info("cluster: a call failed and will be tried again (failback)", "after", failbackPause)
	}
	return invoker.Result{}, nil
}

// failbackQueue is the calls that wait to be tried again, each in a goroutine of its own.
type failbackQueue struct {
	mu     sync.Mutex
	n      int
	closed chan struct{}
	wg     sync.WaitGroup
}

func (q *failbackQueue) start() { q.closed = make(chan struct{}) }

func (q *failbackQueue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.n
}

// add queues a call, and tells whether there was room.
func (q *failbackQueue) add(a *attempt, ctx context.Context) bool { //nolint:revive // the context is the value of the call
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-q.closed:
		return false
	default:
	}
	if q.n >= a.m.settings.backTasks {
		return false
	}
	q.n++
	mine, c, tries := clone(a.inv), a.c, a.m.settings.backTries
	mine.Into = nil
	q.wg.Go(func() {
		q.retry(ctx, c, mine, tries)
		q.mu.Lock()
		q.n--
		q.mu.Unlock()
	})
	return true
}

func (q *failbackQueue) retry(ctx context.Context, c *Cluster, inv *invoker.Invocation, tries int) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for n := 1; n <= tries; n++ {
		select {
		case <-time.After(failbackPause):
		case <-q.closed:
			return
		}
		var again bool
		var err error
		done := make(chan struct{})
		go func() {
			defer close(done)
			again, err = c.once(ctx, inv)
		}()
		select {
		case <-done:
		case <-q.closed:
			cancel()
			<-done
			return
		}
		if !isError(err) {
			return
		}
		c.cfg.Log.Warn("cluster: a call failed again (failback)", "service", inv.Service, "method", methodOf(inv), "try", n, "of", tries, "harmless to repeat", again, "error", err)
		if !again {
			return
		}
	}
}

// once tries a queued call. again tells whether one more try does no harm.
func (c *Cluster) once(ctx context.Context, inv *invoker.Invocation) (again bool, err error) {
	snap := c.dir.Snapshot()
	m := c.method(snap, methodOf(inv))
	v := m.view(inv)
	if len(v.providers) == 0 {
		return true, c.none(snap, inv)
	}
	c.counts.retries.Add(1)
	ctx, cancel := withDeadline(ctx, m.settings.timeout)
	defer cancel()
	a := &attempt{c: c, m: m, v: v, inv: inv}
	_, err = a.try(ctx)
	return retriable(err, m.settings.idempotent), err
}

// close drops what is queued, waits for what runs, and tells how many there were.
func (q *failbackQueue) close() int {
	q.mu.Lock()
	n := q.n
	select {
	case <-q.closed:
	default:
		close(q.closed)
	}
	q.mu.Unlock()
	q.wg.Wait()
	return n
}
