package kafka

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// assigned takes partitions that are ours from now on.
func (c *consumer) assigned(run context.Context, numbers []int32) {
	if len(numbers) == 0 {
		return
	}
	c.mu.Lock()
	for _, n := range numbers {
		ctx, end := context.WithCancel(run)
		c.parts[n] = newPartition(ctx, n, end)
	}
	c.mu.Unlock()
	// What was paused when a partition was last ours is paused still.
	c.cl.ResumeFetchPartitions(map[string][]int32{c.cfg.topic: numbers})
	c.log.Info("kafka: consuming", "partitions", numbers)
}

// revoked gives partitions away: nothing new of them begins, what runs may end within a bound, and what is handled is committed.
func (c *consumer) revoked(ctx context.Context, numbers []int32) {
	if len(numbers) == 0 {
		return
	}
	parts := c.remove(numbers)
	var all sync.WaitGroup
	for _, p := range parts {
		all.Go(p.running.Wait)
	}
	ended := make(chan struct{})
	go func() {
		all.Wait()
		close(ended)
	}()
	bound := time.NewTimer(c.cfg.revoke)
	defer bound.Stop()
	select {
	case <-ended:
	case <-bound.C:
		c.log.Warn("kafka: calls did not end before their partitions went to another member, which gets their events again", "partitions", numbers, "bound", c.cfg.revoke)
	case <-ctx.Done():
	}
	c.committing.Lock()
	defer c.committing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	c.commit(ctx, parts)
	for _, p := range parts {
		p.close()
	}
	c.log.Info("kafka: partitions given away", "partitions", numbers)
}

// lost forgets partitions that are somebody else's already: their calls are ended, nothing of them is committed.
func (c *consumer) lost(numbers []int32) {
	if len(numbers) == 0 {
		return
	}
	for _, p := range c.remove(numbers) {
		p.close()
	}
	c.log.Warn("kafka: partitions lost; what ran comes again elsewhere", "partitions", numbers)
}

// remove takes partitions out, so that nothing new of them is tried.
func (c *consumer) remove(numbers []int32) []*partition {
	c.mu.Lock()
	defer c.mu.Unlock()
	var parts []*partition
	for _, n := range numbers {
		if p := c.parts[n]; p != nil {
			delete(c.parts, n)
			close(p.drop)
			parts = append(parts, p)
		}
	}
	return parts
}

// commitNowAndThen tells the group how far this member is.
func (c *consumer) commitNowAndThen(ctx context.Context) {
	t := time.NewTicker(commitEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			c.commitAll(ctx)
		}
	}
}

func (c *consumer) commitAll(ctx context.Context) {
	c.committing.Lock()
	defer c.committing.Unlock()
	c.mu.Lock()
	parts := slices.Collect(maps.Values(c.parts))
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	c.commit(ctx, parts)
}

// commit is called with c.committing held.
func (c *consumer) commit(ctx context.Context, parts []*partition) {
	offsets := map[int32]kgo.EpochOffset{}
	for _, p := range parts {
		if o, ok := p.uncommitted(); ok {
			offsets[p.number] = o
		}
	}
	if len(offsets) == 0 {
		return
	}
	err := fmt.Errorf("not answered")
	c.cl.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{c.cfg.topic: offsets}, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, e error) {
		err = e
		if e != nil {
			return
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				if err = kerr.ErrorForCode(p.ErrorCode); err != nil {
					return
				}
			}
		}
	})
	if err != nil {
		if ctx.Err() == nil {
			c.log.Warn("kafka: not committed; what is handled may come again", "error", err)
		}
		return
	}
	for _, p := range parts {
		if o, ok := offsets[p.number]; ok {
			p.committed(o)
		}
	}
}

// drain takes nothing more, lets what runs end, and ends what does not within ctx; then it commits and leaves the group.
func (c *consumer) drain(ctx context.Context) error {
	c.work.Stop()
	c.noPoll()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.taking.Wait()
		c.work.Wait()
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = fmt.Errorf("kafka: drain %s: %w; what still ran was ended, and is delivered again", c.url, ctx.Err())
		c.end()
		select {
		case <-done:
		case <-time.After(endGrace): // a call that does not listen ends with the process
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	c.commitAll(last)
	_ = c.cl.LeaveGroupContext(last) // a broker that is away finds out by itself
	c.end()
	c.cl.CloseAllowingRebalance()
	return err
}
