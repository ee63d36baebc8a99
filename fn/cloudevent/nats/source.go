// Package nats brings events from NATS JetStream, sends events to it, and keeps in it which were handled. It drives the protocol's client itself, because
// CloudEvents' own binding acknowledges what a handler refused.
package nats

import (
	"context"

	"github.com/dubbofn/dubbofn/fn/cloudevent"
	"github.com/dubbofn/dubbofn/invoker"
)

// Source takes events from a stream by a durable pull consumer:
//
//	nats://[user:password@]host[:4222][,host2…]/STREAM?subject=…&durable=…&concurrency=10&order=ATTRIBUTE&dead=SUBJECT&attempts=10
//
// Every parameter, with its default, is in docs/brokers.md. The stream must exist unless create=SUBJECTS says otherwise; the consumer is made where there is
// none of that name, and left as it is where there is one. A message that is no event, or whose event is refused, goes to the dead letters at once; one
// that may work later comes again after a while.
const Source = sourceAdapter("nats")

type sourceAdapter string

// Name gives "nats".
func (a sourceAdapter) Name() string { return string(a) }

// OpenSource begins to take events. A server that does not answer is waited for in the background; one that refuses is an error.
func (a sourceAdapter) OpenSource(ctx context.Context, u invoker.URL, c cloudevent.SourceConfig) (cloudevent.Source, error) {
	s, err := open(ctx, u, c.App, c.Log, c.Handle)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Drain takes nothing more and lets what runs end. What has not ended when ctx does is ended; everything that was not handled is given back.
func (c *consumer) Drain(ctx context.Context) error { return c.drain(ctx) }
