package brokers_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/dubbofn/dubbofn/fn/cloudevent"
	"github.com/dubbofn/dubbofn/fn/cloudevent/kafka"
	"github.com/dubbofn/dubbofn/internal/deliver"
)

// topics are a test's own, on the broker that e2e/brokers.sh has started.
type topics struct {
	addr, orders, dead string
	cl                 *kgo.Client
}

func newTopics(t *testing.T, partitions int32) topics {
	t.Helper()
	k := topics{addr: address(t, "E2E_KAFKA"), orders: "orders-" + rand.Text(), dead: "dead-" + rand.Text()}
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.addr), kgo.ProducerLinger(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	k.cl = cl
	req := kmsg.NewPtrCreateTopicsRequest()
	for name, n := range map[string]int32{k.orders: partitions, k.dead: 1} {
		one := kmsg.NewCreateTopicsRequestTopic()
		one.Topic, one.NumPartitions, one.ReplicationFactor = name, n, 1
		req.Topics = append(req.Topics, one)
	}
	resp, err := req.RequestWith(t.Context(), cl)
	if err == nil {
		for _, one := range resp.Topics {
			if e := kerr.ErrorForCode(one.ErrorCode); e != nil {
				err = e
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (k topics) url(params string) string {
	return "kafka://" + k.addr + "/" + k.orders + "?wait=50ms&session=6s&" + params
}

// send writes binary events, each with its partitionkey as the record's key.
func (k topics) send(t *testing.T, events ...event.Event) {
	t.Helper()
	for _, e := range events {
		r := &kgo.Record{Topic: k.orders, Key: fmt.Append(nil, e.Extensions()["partitionkey"]), Headers: []kgo.RecordHeader{
			{Key: "ce_specversion", Value: []byte("1.0")}, {Key: "ce_id", Value: []byte(e.ID())}, {Key: "ce_source", Value: []byte(e.Source())}, {Key: "ce_type", Value: []byte(e.Type())},
		}}
		if err := k.cl.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// read takes n records of a topic.
func (k topics) read(t *testing.T, topic string, n int) []*kgo.Record {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.addr), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var all []*kgo.Record
	for len(all) < n && ctx.Err() == nil {
		cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) { all = append(all, r) })
	}
	if len(all) != n {
		t.Fatalf("%d records in %s, want %d", len(all), topic, n)
	}
	return all
}

// committed is how many records the group says are handled.
func (k topics) committed(t *testing.T, group string) (n int64) {
	t.Helper()
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = group
	resp, err := req.RequestWith(t.Context(), k.cl)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range resp.Topics {
		for _, p := range one.Partitions {
			if one.Topic == k.orders {
				n += max(p.Offset, 0)
			}
		}
	}
	return n
}

func TestKafkaPoisonGoesToTheDeadLettersAndTheRestIsCommitted(t *testing.T) {
	t.Parallel()
	k := newTopics(t, 3)
	r := &recorder{judge: func(e event.Event, try int) deliver.Result {
		switch {
		case e.Type() == "refused":
			return deliver.Result{Outcome: deliver.Refused, Code: 400, Reason: "no such method"}
		case e.Type() == "fails":
			return deliver.Result{Outcome: deliver.Again, Code: 503, Reason: "the database is away"}
		case e.Type() == "recovers" && try < 3:
			return deliver.Result{Outcome: deliver.Again, Code: 503}
		case e.Type() == "busy" && try < 10:
			return deliver.Result{Outcome: deliver.Busy, Code: 409}
		}
		return deliver.Result{}
	}}
	all := many(100, 5)
	for i, typ := range []string{"refused", "fails", "recovers", "busy"} {
		all[i*10].SetType(typ)
	}
	k.send(t, all[:50]...)
	if err := k.cl.ProduceSync(t.Context(), &kgo.Record{Topic: k.orders, Value: []byte("this is no event")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	k.send(t, all[50:]...)
	s := source(t, kafka.Source, k.url("group=g&attempts=4&dead="+k.dead), cloudevent.SourceConfig{Handle: r.handle})
	eventually(t, 30*time.Second, "all but two are handled", func() bool { return r.distinct() == 98 })
	codes := map[string]int{}
	for _, m := range k.read(t, k.dead, 3) {
		h := map[string]string{}
		for _, x := range m.Headers {
			h[x.Key] = string(x.Value)
		}
		codes[h["ce_knativeerrorcode"]]++
		if h["ce_id"] == "" && string(m.Value) != "this is no event" || h["ce_knativeerrordata"] == "" || h["ce_knativeerrordest"] != "kafka://"+k.addr+"/"+k.orders {
			t.Errorf("dead letter %v %q", h, m.Value)
		}
	}
	drain(t, s, 10*time.Second)
	if codes["400"] != 2 || codes["503"] != 1 {
		t.Errorf("codes %v", codes)
	}
	if r.tries["0"] != 1 || r.tries["10"] != 4 || r.tries["20"] != 3 || r.tries["30"] != 10 {
		t.Errorf("tries %v", r.tries)
	}
	if n := k.committed(t, "g"); n != 101 {
		t.Errorf("%d records committed of 101", n)
	}
}

func TestKafkaNeverCommitsPastARecordThatIsNotHandled(t *testing.T) {
	t.Parallel()
	k := newTopics(t, 1)
	r := &recorder{judge: func(e event.Event, _ int) deliver.Result {
		if e.ID() == "5" {
			return deliver.Result{Outcome: deliver.Again, Code: 503, Reason: "not yet"}
		}
		return deliver.Result{}
	}}
	k.send(t, many(50, 50)...)
	s := source(t, kafka.Source, k.url("group=g&order=none"), cloudevent.SourceConfig{Handle: r.handle})
	eventually(t, 30*time.Second, "all but one are handled", func() bool { return r.distinct() == 49 })
	time.Sleep(2 * time.Second) // longer than commits take to come
	if n := k.committed(t, "g"); n != 5 {
		t.Errorf("committed %d, want 5: the event at 5 is not handled", n)
	}
	drain(t, s, 10*time.Second)
	r.judge = nil
	s = source(t, kafka.Source, k.url("group=g&order=none"), cloudevent.SourceConfig{Handle: r.handle})
	eventually(t, 30*time.Second, "the last one is handled, and all are committed", func() bool { return r.distinct() == 50 && k.committed(t, "g") == 50 })
	drain(t, s, 10*time.Second)
}

func TestKafkaKeepsOrderWhilePartitionsMoveBetweenMembers(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"partition", "key"} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			k := newTopics(t, 4)
			r := &recorder{took: 2 * time.Millisecond, judge: func(e event.Event, try int) deliver.Result {
				if n, _ := strconv.Atoi(e.ID()); n%97 == 0 && try < 2 {
					return deliver.Result{Outcome: deliver.Again, Code: 503}
				}
				return deliver.Result{}
			}}
			url := k.url("group=g&order=" + order)
			first := source(t, kafka.Source, url, cloudevent.SourceConfig{Handle: r.handle})
			k.send(t, many(300, 13)...)
			eventually(t, 20*time.Second, "some are handled", func() bool { return r.count() > 100 })
			second := source(t, kafka.Source, url, cloudevent.SourceConfig{Handle: r.handle})
			all := many(900, 13)
			k.send(t, all[300:600]...)
			drain(t, first, 10*time.Second)
			k.send(t, all[600:]...)
			eventually(t, 30*time.Second, "every event is handled", func() bool { return r.distinct() == 900 })
			drain(t, second, 10*time.Second)
			// By key, what ended ahead of others when the first member left comes again to the second; the store of events would spare it. Of the 600 that
			// were sent by then the first had half.
			if keys := r.disorder(); keys != nil || r.count() > 1200 || order == "partition" && r.count() != 900 {
				t.Errorf("out of order: %v; 900 events ran %d times", keys, r.count())
			}
			if n := k.committed(t, "g"); n != 900 {
				t.Errorf("committed %d of 900", n)
			}
		})
	}
}

func TestKafkaGivesPartitionsAwayThoughACallHangs(t *testing.T) {
	t.Parallel()
	k := newTopics(t, 2)
	hangs := &recorder{took: time.Hour}
	first := source(t, kafka.Source, k.url("group=g&order=none&revoke=1s"), cloudevent.SourceConfig{Handle: hangs.handle})
	k.send(t, many(20, 20)...)
	time.Sleep(3 * time.Second) // every one hangs
	works := &recorder{}
	second := source(t, kafka.Source, k.url("group=g&order=none"), cloudevent.SourceConfig{Handle: works.handle})
	eventually(t, 30*time.Second, "the events of a partition that moved are handled", func() bool { return works.distinct() > 0 })
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := first.Drain(ctx); err == nil {
		t.Error("drained, though calls hang")
	}
	eventually(t, 30*time.Second, "all events are handled by who can", func() bool { return works.distinct() == 20 })
	drain(t, second, 10*time.Second)
}

func TestKafkaDrainsUnderLoad(t *testing.T) {
	t.Parallel()
	k := newTopics(t, 4)
	r := &recorder{took: 10 * time.Millisecond}
	k.send(t, many(1000, 40)...)
	s := source(t, kafka.Source, k.url("group=g&order=key"), cloudevent.SourceConfig{Handle: r.handle})
	eventually(t, 20*time.Second, "some are handled", func() bool { return r.count() > 50 })
	begun := time.Now()
	drain(t, s, 10*time.Second)
	took := time.Since(begun)
	s = source(t, kafka.Source, k.url("group=g&order=key&concurrency=40"), cloudevent.SourceConfig{Handle: r.handle})
	eventually(t, 20*time.Second, "the rest is handled", func() bool { return r.distinct() == 1000 })
	drain(t, s, 10*time.Second)
	// What runs when the drain begins ends; by key, it may be ahead of the prefix, and comes again.
	if r.count() > 1100 || took > 3*time.Second {
		t.Errorf("1000 events ran %d times; the drain took %v", r.count(), took)
	}
}

// TestKafkaWaitsForABrokerThatComesLater has a door in front of the broker, which opens late.
func TestKafkaWaitsForABrokerThatComesLater(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	door := l.Addr().String()
	_ = l.Close()
	k := newTopics(t, 1)
	k.send(t, many(5, 1)...)
	r := &recorder{}
	begun := time.Now()
	s := source(t, kafka.Source, "kafka://"+door+"/"+k.orders+"?group=g&wait=50ms", cloudevent.SourceConfig{Handle: r.handle})
	if d := time.Since(begun); d > 5*time.Second {
		t.Errorf("the start took %v", d)
	}
	if l, err = net.Listen("tcp", door); err != nil {
		t.Fatal(err)
	}
	var passing sync.WaitGroup
	passing.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			passing.Go(func() {
				defer in.Close()
				out, err := net.Dial("tcp", k.addr)
				if err != nil {
					return
				}
				passing.Go(func() {
					_, _ = io.Copy(in, out)
					_ = in.Close()
				})
				_, _ = io.Copy(out, in)
				_ = out.Close()
			})
		}
	})
	eventually(t, 40*time.Second, "every event is handled", func() bool { return r.distinct() == 5 })
	drain(t, s, 10*time.Second)
	_ = l.Close()
	passing.Wait()
}

func TestKafkaTakesEveryContentModeAndKey(t *testing.T) {
	t.Parallel()
	k := newTopics(t, 1)
	got := make(chan event.Event, 10)
	s := source(t, kafka.Source, k.url("group=g"), cloudevent.SourceConfig{Handle: func(_ context.Context, e event.Event) deliver.Result {
		got <- e
		return deliver.Result{}
	}})
	e := placed("1", "from the event")
	e.SetSubject("köln")
	body, err := e.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*kgo.Record{
		{Topic: k.orders, Value: body, Headers: []kgo.RecordHeader{{Key: "Content-Type", Value: []byte("application/cloudevents+json; charset=UTF-8")}}},
		{Topic: k.orders, Value: []byte(`{"n":1}`), Key: []byte("from the record"), Headers: []kgo.RecordHeader{
			{Key: "ce_specversion", Value: []byte("1.0")}, {Key: "ce_id", Value: []byte("2")}, {Key: "ce_source", Value: []byte("/s")}, {Key: "ce_type", Value: []byte("t")},
			{Key: "ce_subject", Value: []byte("köln")}, {Key: "content-type", Value: []byte("application/json")},
		}},
	} {
		if err := k.cl.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []struct{ id, key, data string }{{"1", "from the event", ""}, {"2", "from the record", `{"n":1}`}} {
		e := <-got
		if e.ID() != want.id || e.Extensions()["partitionkey"] != want.key || string(e.Data()) != want.data || e.Subject() != "köln" {
			t.Errorf("%v", e)
		}
	}
	drain(t, s, 10*time.Second)
}
