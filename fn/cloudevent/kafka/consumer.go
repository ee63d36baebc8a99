package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/dubbofn/dubbofn/internal/cebind"
	"github.com/dubbofn/dubbofn/internal/deliver"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

// consumer takes events from one topic, as a member of a group.
type consumer struct {
	cfg  config
	url  string // for people: without the password
	dest string // for dead letters: where the event could not be handled
	log  *slog.Logger
	cl   *kgo.Client
	work *deliver.Worker
	most int // records of a partition that are here at once

	end    context.CancelFunc // ends the calls
	noPoll context.CancelFunc
	taking sync.WaitGroup

	committing sync.Mutex // held while offsets are committed, and while partitions are taken away
	mu         sync.Mutex
	parts      map[int32]*partition
}

// open begins to consume. It fails for what trying again would not cure; a broker that is away is waited for in the background.
func open(ctx context.Context, u invoker.URL, app string, log *slog.Logger, handle deliver.Handler) (*consumer, error) {
	cfg, err := readConfig(u, app, log)
	if err != nil {
		return nil, err
	}
	c := &consumer{
		cfg: cfg, url: u.String(), dest: u.Protocol + "://" + u.Address() + "/" + u.Path, log: log.With("topic", cfg.topic, "group", cfg.group), work: deliver.New(cfg.work, handle),
		most: max(keptRecords, 4*cfg.work.Concurrency), parts: map[int32]*partition{},
	}
	from := deliver.Origin{Broker: strings.Join(u.Addresses(defaultPort), ","), Queue: cfg.topic, Component: tracing.ComponentKafkaConsumer}
	run, end := context.WithCancel(deliver.From(context.WithoutCancel(ctx), from))
	poll, noPoll := context.WithCancel(run)
	c.end, c.noPoll = end, noPoll
	c.cl, err = kgo.NewClient(append(cfg.options,
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, all map[string][]int32) { c.assigned(run, all[cfg.topic]) }),
		kgo.OnPartitionsRevoked(func(ctx context.Context, _ *kgo.Client, all map[string][]int32) { c.revoked(ctx, all[cfg.topic]) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, all map[string][]int32) { c.lost(all[cfg.topic]) }),
	)...)
	if err != nil {
		end()
		return nil, fmt.Errorf("kafka: %s: %w", c.url, err)
	}
	err = c.prepare(ctx)
	if err != nil && (!away(err) || ctx.Err() != nil) {
		end()
		c.cl.Close()
		return nil, err
	}
	c.taking.Go(func() {
		if err == nil || c.prepareLater(poll, err) {
			c.run(poll)
		}
	})
	c.taking.Go(func() { c.commitNowAndThen(poll) })
	return c, nil
}

// prepareLater goes on asking a broker that was away. False: the end came first.
func (c *consumer) prepareLater(ctx context.Context, err error) bool {
	for n := 1; err != nil; n++ {
		c.log.Warn("kafka: can't consume yet", "server", c.url, "error", err)
		if !c.work.Pause(c.work.Backoff(n), nil) {
			return false
		}
		err = c.prepare(ctx)
	}
	return true
}

// prepare looks whether the topics are there, and makes the one that the URL allows to be made.
func (c *consumer) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	want := []string{c.cfg.topic}
	if c.cfg.dead != "" {
		want = append(want, c.cfg.dead)
	}
	missing, err := missingTopics(ctx, c.cl, want)
	for range newTopicAsks { // one that was just made is not known to every broker yet
		if err != nil || len(missing) == 0 || c.cfg.create > 0 || !c.work.Pause(newTopicPause, nil) {
			break
		}
		missing, err = missingTopics(ctx, c.cl, want)
	}
	if err != nil {
		return err
	}
	if i := slices.Index(missing, c.cfg.topic); i >= 0 && c.cfg.create > 0 {
		if err := createTopic(ctx, c.cl, c.cfg.topic, c.cfg.create); err != nil {
			return err
		}
		missing = slices.Delete(missing, i, i+1)
	}
	if len(missing) > 0 {
		return fmt.Errorf("kafka: %s: %w as %q: create it, or let create=PARTITIONS do it for the events' topic", c.url, errNoTopic, missing)
	}
	return nil
}

func missingTopics(ctx context.Context, cl *kgo.Client, want []string) ([]string, error) {
	req := kmsg.NewPtrMetadataRequest()
	for _, name := range want {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = new(name)
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return nil, fmt.Errorf("kafka: ask for topics: %w", err)
	}
	var missing []string
	for _, t := range resp.Topics {
		switch err := kerr.ErrorForCode(t.ErrorCode); {
		case errors.Is(err, kerr.UnknownTopicOrPartition) && t.Topic != nil:
			missing = append(missing, *t.Topic)
		case err != nil && !kerr.IsRetriable(err):
			return nil, fmt.Errorf("kafka: topic %q: %w", want, err)
		}
	}
	return missing, nil
}

func createTopic(ctx context.Context, cl *kgo.Client, name string, partitions int) error {
	req := kmsg.NewPtrCreateTopicsRequest()
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, int32(partitions), -1
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, cl)
	if err == nil && len(resp.Topics) > 0 {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("kafka: create topic %q: %w", name, err)
	}
	return nil
}

// errNoTopic is that of a topic which has to be there.
var errNoTopic = errors.New("no such topic")

// away tells whether an error is the connection's, and not something that stays as it is: a broker's word, its certificate, a topic that is missing.
func away(err error) bool {
	var word *kerr.Error
	if errors.As(err, &word) {
		return word.Retriable
	}
	var certificate *tls.CertificateVerificationError
	return !errors.Is(err, errNoTopic) && !errors.As(err, &certificate)
}

// run takes records until it is told to end.
func (c *consumer) run(ctx context.Context) {
	for ctx.Err() == nil {
		fetches := c.cl.PollRecords(ctx, c.most)
		if fetches.IsClientClosed() {
			return
		}
		fetches.EachError(func(topic string, number int32, err error) {
			if ctx.Err() == nil {
				c.log.Warn("kafka: no records", "topic", topic, "partition", number, "error", err)
			}
		})
		fetches.EachRecord(c.accept)
		// Records are ours until here: which partitions are is not changed between poll and accept.
		c.cl.AllowRebalance()
	}
}

// accept hands one record to the worker, in the order of the partition.
func (c *consumer) accept(r *kgo.Record) {
	c.mu.Lock()
	p := c.parts[r.Partition]
	c.mu.Unlock()
	if p == nil || p.dropped() {
		return
	}
	p.add(r, c.most, func() { c.cl.PauseFetchPartitions(c.only(r.Partition)) })
	e, err := cebind.Kafka.Read(headersOf(r), r.Value)
	if err == nil && len(r.Key) > 0 && e.Extensions()["partitionkey"] == nil {
		e.SetExtension("partitionkey", string(r.Key)) // Kafka binding 1.0.2, 3.1
	}
	p.running.Add(1)
	c.work.Add(c.lane(r, e), func() {
		defer p.running.Done()
		c.settle(p, r, e, err)
	})
}

// lane says which records wait for each other.
func (c *consumer) lane(r *kgo.Record, e event.Event) string {
	number := strconv.Itoa(int(r.Partition))
	switch c.cfg.order {
	case orderPartition:
		return number
	case orderNone:
		return ""
	case orderKey:
		if len(r.Key) == 0 {
			return ""
		}
		return number + "/" + string(r.Key)
	}
	if v, ok := cebind.Attribute(e, c.cfg.order); ok {
		return number + "/" + v
	}
	return ""
}

func (c *consumer) only(number int32) map[string][]int32 {
	return map[string][]int32{c.cfg.topic: {number}}
}

// settle brings one record to its end, where it stays until it has one: a partition has no way to put a record back.
func (c *consumer) settle(p *partition, r *kgo.Record, e event.Event, fault error) {
	var v deliver.Verdict
	if fault != nil {
		v = deliver.Verdict{Dead: true, Result: deliver.Result{Code: 400, Reason: fault.Error()}}
	} else {
		v = c.work.Settle(p.ctx, e, 0, true, p.drop)
	}
	if v.Dead {
		v.Done = c.bury(p, r, e, fault != nil, v.Result)
	}
	if v.Done { // also where the partition is being given away, which waits for this
		p.finish(r, c.most, func() { c.cl.ResumeFetchPartitions(c.only(r.Partition)) })
	}
}

// bury sends a record to the dead letters, as an event or, where it is none, as it came. False: it could not be sent before the end.
func (c *consumer) bury(p *partition, r *kgo.Record, e event.Event, broken bool, result deliver.Result) bool {
	log := c.log.With("partition", r.Partition, "offset", r.Offset, "reason", result.Reason)
	if !broken {
		log = log.With("type", e.Type(), "source", e.Source(), "id", e.ID())
	}
	if c.cfg.dead == "" {
		log.Error("kafka: event dropped: it can't be handled, and there is no topic for dead letters")
		return true
	}
	letter := &kgo.Record{Topic: c.cfg.dead, Key: r.Key, Value: r.Value, Headers: slices.Clone(r.Headers)}
	if broken {
		for _, x := range deliver.Marks(c.dest, result) {
			letter.Headers = append(letter.Headers, kgo.RecordHeader{Key: cebind.Kafka.Prefix + x[0], Value: []byte(x[1])})
		}
	} else {
		var headers []cebind.Header
		headers, letter.Value = cebind.Kafka.Write(deliver.Dead(e, c.dest, result))
		letter.Headers = recordHeaders(headers)
	}
	sent := c.work.Persist(p.drop, func() error {
		ctx, cancel := context.WithTimeout(p.ctx, askTimeout)
		defer cancel()
		err := c.cl.ProduceSync(ctx, letter).FirstErr()
		if err != nil {
			log.Warn("kafka: dead letter not taken, to be sent again", "dead", c.cfg.dead, "error", err)
		}
		return err
	})
	if sent {
		log.Warn("kafka: event sent to the dead letters", "dead", c.cfg.dead)
	}
	return sent
}

func headersOf(r *kgo.Record) []cebind.Header {
	all := make([]cebind.Header, len(r.Headers))
	for i, h := range r.Headers {
		all[i] = cebind.Header{Name: h.Key, Value: string(h.Value)}
	}
	return all
}

func recordHeaders(from []cebind.Header) []kgo.RecordHeader {
	all := make([]kgo.RecordHeader, len(from))
	for i, h := range from {
		all[i] = kgo.RecordHeader{Key: h.Name, Value: []byte(h.Value)}
	}
	return all
}
