package main

import (
	"context"

	"github.com/cloudevents/sdk-go/v2/event"
	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

type natsBroker struct {
	address string
	conn    *client.Conn
	js      jetstream.JetStream
}

func newNATS(address string) (*natsBroker, error) {
	conn, err := client.Connect("nats://"+address, client.MaxReconnects(-1))
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(conn)
	return &natsBroker{address, conn, js}, err
}

func (b *natsBroker) prepare(ctx context.Context) error {
	for name, subject := range map[string]string{"STORM": "storm.>", "STORMDEAD": "stormdead"} {
		_ = b.js.DeleteStream(ctx, name)
		if _, err := b.js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: []string{subject}}); err != nil {
			return err
		}
	}
	return nil
}

// send publishes a structured event for every other key, a binary one for the rest.
func (b *natsBroker) send(ctx context.Context, e event.Event, key string) error {
	e.SetExtension("partitionkey", key)
	body, err := e.MarshalJSON()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, awayFor)
	defer cancel()
	_, err = b.js.PublishMsg(ctx, &client.Msg{Subject: "storm.orders", Data: body})
	return err
}

func (b *natsBroker) left(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, awayFor)
	defer cancel()
	c, err := b.js.Consumer(ctx, "STORM", "placed")
	if err != nil {
		return 0, err
	}
	i := c.CachedInfo()
	return int64(i.NumPending) + int64(i.NumAckPending), nil
}

func (b *natsBroker) dead(ctx context.Context) (int64, error) {
	s, err := b.js.Stream(ctx, "STORMDEAD")
	if err != nil {
		return 0, err
	}
	return int64(s.CachedInfo().State.Msgs), nil
}

func (b *natsBroker) source() string {
	return "nats://" + b.address + "/STORM?durable=placed&order=partitionkey&dead=stormdead&ackwait=2s&wait=100ms"
}

func (b *natsBroker) close() { b.conn.Close() }
