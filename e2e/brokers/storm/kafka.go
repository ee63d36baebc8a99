package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const partitions = 4

type kafkaBroker struct {
	address string
	topic   string // a new one each time
	cl      *kgo.Client
}

func newKafka(address string) (*kafkaBroker, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.ProducerLinger(0))
	return &kafkaBroker{address: address, topic: "storm", cl: cl}, err
}

func (b *kafkaBroker) prepare(ctx context.Context) error {
	for name, n := range map[string]int32{b.topic: partitions, b.topic + ".dead": 1} {
		req := kmsg.NewPtrCreateTopicsRequest()
		t := kmsg.NewCreateTopicsRequestTopic()
		t.Topic, t.NumPartitions, t.ReplicationFactor = name, n, 1
		req.Topics = append(req.Topics, t)
		resp, err := req.RequestWith(ctx, b.cl)
		if err == nil {
			err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
		}
		if err != nil {
			return fmt.Errorf("create topic %q: %w", name, err)
		}
	}
	return nil
}

func (b *kafkaBroker) send(ctx context.Context, e event.Event, key string) error {
	r := &kgo.Record{Topic: b.topic, Key: []byte(key), Value: e.Data(), Headers: []kgo.RecordHeader{
		{Key: "ce_specversion", Value: []byte("1.0")}, {Key: "ce_id", Value: []byte(e.ID())}, {Key: "ce_source", Value: []byte(e.Source())},
		{Key: "ce_type", Value: []byte(e.Type())}, {Key: "content-type", Value: []byte("application/json")},
	}}
	return b.cl.ProduceSync(ctx, r).FirstErr()
}

// ends gives where each partition of a topic ends.
func (b *kafkaBroker) ends(ctx context.Context, topic string, n int32) (map[int32]int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = topic
	for i := range n {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = i, -1
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, b.cl)
	if err != nil {
		return nil, err
	}
	ends := map[int32]int64{}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return nil, err
			}
			ends[p.Partition] = p.Offset
		}
	}
	return ends, nil
}

func (b *kafkaBroker) left(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, awayFor)
	defer cancel()
	ends, err := b.ends(ctx, b.topic, partitions)
	if err != nil {
		return 0, err
	}
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = "placed"
	t := kmsg.NewOffsetFetchRequestTopic()
	t.Topic = b.topic
	for i := range int32(partitions) {
		t.Partitions = append(t.Partitions, i)
	}
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, b.cl)
	if err != nil {
		return 0, err
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil && !errors.Is(err, kerr.CoordinatorNotAvailable) {
		return 0, err
	}
	left, told := int64(0), 0
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			left += ends[p.Partition] - max(p.Offset, 0)
			told++
		}
	}
	if told == 0 {
		return -1, nil
	}
	return left, nil
}

func (b *kafkaBroker) dead(ctx context.Context) (int64, error) {
	ends, err := b.ends(ctx, b.topic+".dead", 1)
	return ends[0], err
}

func (b *kafkaBroker) source() string {
	return "kafka://" + b.address + "/" + b.topic + "?group=placed&order=key&dead=" + b.topic + ".dead&session=6s&wait=100ms"
}

func (b *kafkaBroker) close() { b.cl.Close() }
