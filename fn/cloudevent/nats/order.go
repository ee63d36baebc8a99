package nats

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Order is kept by one process at a time. What the last one left unanswered is redelivered to the next one, but among and behind what is new: so who takes
// over keeps everything until it has all of what was left, and goes on in the order of the stream.

// pinHeader is how the server names a process's turn in each message (NATS 2.11).
const pinHeader = "Nats-Pin-Id"

// settlePause is between two questions whether everything that was left is here.
const settlePause = 250 * time.Millisecond

// newTurn tells whether a message is the first of a turn of this process.
func (c *consumer) newTurn(m jetstream.Msg) bool {
	if c.cfg.order == "" {
		return false
	}
	pin := m.Headers().Get(pinHeader)
	if pin == c.pin {
		return false
	}
	c.pin = pin
	return true
}

// takeOver waits for what was left, beside held, and hands it on in order.
func (c *consumer) takeOver(ctx context.Context, pull jetstream.Consumer, held []*message) error {
	all := map[uint64]*message{}
	add := func(m *message) {
		if old := all[m.seq]; old != nil {
			c.forget(old)
		}
		all[m.seq] = m
	}
	for _, m := range held {
		add(m)
	}
	var err error
	for err == nil {
		var left int
		// What ran here in an earlier turn is answered first, so that all that is unanswered is among what was left.
		if left, err = c.unanswered(ctx, pull); err == nil && c.others(len(all)) == 0 && left <= len(all) {
			break
		}
		if !c.work.Pause(settlePause, nil) {
			break
		}
		if err == nil {
			err = c.more(pull, add)
		}
		if err != nil && !c.stopping() {
			c.log.Warn("nats: taking over", "error", err)
			err = nil
		}
	}
	for _, seq := range slices.Sorted(maps.Keys(all)) {
		m := all[seq]
		select {
		case c.window <- struct{}{}:
			c.accept(ctx, m)
		case <-c.work.Stopping():
			c.giveBack(m)
		}
	}
	return nil
}

// more takes what there is, and waits for nothing.
func (c *consumer) more(pull jetstream.Consumer, add func(*message)) error {
	batch, err := pull.Fetch(orderedPending, jetstream.FetchMaxWait(settlePause), jetstream.FetchPriorityGroup(group))
	if err != nil {
		return fmt.Errorf("nats: take what was left: %w", err)
	}
	for raw := range batch.Messages() {
		if pin := raw.Headers().Get(pinHeader); pin != c.pin {
			c.pin = pin // lost and found again
		}
		add(c.note(raw))
	}
	return nil
}

// unanswered is how many messages are delivered and not acknowledged, to whomever.
func (c *consumer) unanswered(ctx context.Context, pull jetstream.Consumer) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	info, err := pull.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("nats: ask for what was left: %w", err)
	}
	return info.NumAckPending, nil
}

// others is how many messages are here beside those that are held.
func (c *consumer) others(held int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.here) - held
}
