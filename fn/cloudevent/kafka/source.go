// Package kafka brings events from Kafka, and sends events to it. It drives the protocol's client itself, because CloudEvents' own binding commits past what
// a handler refused.
package kafka

import (
	"context"

	"github.com/dubbofn/dubbofn/fn/cloudevent"
	"github.com/dubbofn/dubbofn/invoker"
)

// Source takes events from a topic as a member of a group:
//
//	kafka://[user:password@]host[:9092][,host2…]/TOPIC?group=…&concurrency=10&order=partition|key|none|ATTRIBUTE&dead=TOPIC&attempts=10
//
// Every parameter, with its default, is in docs/brokers.md. The topic must exist unless create=PARTITIONS says otherwise. What is committed of a partition is
// what is handled without a gap: a record that may work later holds its place, and is tried again there.
const Source = sourceAdapter("kafka")

type sourceAdapter string

// Name gives "kafka".
func (a sourceAdapter) Name() string { return string(a) }

// OpenSource begins to take events. A broker that does not answer is waited for in the background; one that refuses is an error.
func (a sourceAdapter) OpenSource(ctx context.Context, u invoker.URL, c cloudevent.SourceConfig) (cloudevent.Source, error) {
	s, err := open(ctx, u, c.App, c.Log, c.Handle)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Drain takes nothing more and lets what runs end. What has not ended when ctx does is ended. What is handled is committed, and the group is left.
func (c *consumer) Drain(ctx context.Context) error { return c.drain(ctx) }
