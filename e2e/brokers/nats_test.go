package brokers_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/dubbofn/dubbofn/fn/cloudevent"
	"github.com/dubbofn/dubbofn/fn/cloudevent/nats"
	"github.com/dubbofn/dubbofn/internal/deliver"
)

// hub is a NATS server with streams for a test's events and dead letters.
type hub struct {
	addr string
	js   jetstream.JetStream
}

func newHub(t *testing.T, addr string) hub {
	t.Helper()
	conn, err := client.Connect("nats://"+addr, client.MaxReconnects(-1), client.ReconnectWait(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	h := hub{addr, js}
	for name, subject := range map[string]string{"ORDERS": "orders.>", "DEAD": "dead"} {
		if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{subject}}); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func (h hub) url(params string) string { return "nats://" + h.addr + "/ORDERS?wait=50ms&" + params }

func placed(id, key string) event.Event {
	e := event.New()
	e.SetID(id)
	e.SetSource("/brokers-test")
	e.SetType("org.example.order.placed")
	e.SetExtension("partitionkey", key)
	return e
}

func (h hub) send(t *testing.T, events ...event.Event) {
	t.Helper()
	for _, e := range events {
		body, err := e.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.js.Publish(t.Context(), "orders.new", body); err != nil {
			t.Fatal(err)
		}
	}
}

// left is what the consumer has not acknowledged, and what it was not given yet.
func (h hub) left(t *testing.T, durable string) (unanswered int, pending uint64) {
	t.Helper()
	c, err := h.js.Consumer(t.Context(), "ORDERS", durable)
	if err != nil {
		t.Fatal(err)
	}
	return c.CachedInfo().NumAckPending, c.CachedInfo().NumPending
}

func (h hub) dead(t *testing.T) []*jetstream.RawStreamMsg {
	t.Helper()
	s, err := h.js.Stream(t.Context(), "DEAD")
	if err != nil {
		t.Fatal(err)
	}
	var all []*jetstream.RawStreamMsg
	for i := range s.CachedInfo().State.Msgs {
		m, err := s.GetMsg(t.Context(), i+1)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// recorder is a handler that keeps what it was given.
type recorder struct {
	mu    sync.Mutex
	ids   []string
	keys  map[string][]string
	tries map[string]int
	judge func(e event.Event, try int) deliver.Result // nil: handled
	took  time.Duration
}

func (r *recorder) handle(ctx context.Context, e event.Event) deliver.Result {
	select {
	case <-time.After(r.took):
	case <-ctx.Done():
		return deliver.Result{Outcome: deliver.Again, Code: 503, Reason: "ended"}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tries == nil {
		r.tries, r.keys = map[string]int{}, map[string][]string{}
	}
	r.tries[e.ID()]++
	if r.judge != nil {
		if v := r.judge(e, r.tries[e.ID()]); v.Outcome != deliver.Handled {
			return v
		}
	}
	r.ids = append(r.ids, e.ID())
	key := fmt.Sprint(e.Extensions()["partitionkey"])
	r.keys[key] = append(r.keys[key], e.ID())
	return deliver.Result{}
}

func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.ids)
}

func (r *recorder) distinct() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := map[string]bool{}
	for _, id := range r.ids {
		all[id] = true
	}
	return len(all)
}

// disorder gives the keys whose events did not come in the order of their ids; one that came again is not looked at.
func (r *recorder) disorder() (keys []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, ids := range r.keys {
		last, came := -1, map[string]bool{}
		for _, id := range ids {
			n, _ := strconv.Atoi(id)
			if came[id] {
				continue
			}
			came[id] = true
			if n < last {
				keys = append(keys, key)
				break
			}
			last = n
		}
	}
	return keys
}

func eventually(t *testing.T, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

func drain(t *testing.T, s cloudevent.Source, within time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), within)
	defer cancel()
	if err := s.Drain(ctx); err != nil {
		t.Error(err)
	}
}

func many(n, keys int) []event.Event {
	all := make([]event.Event, n)
	for i := range all {
		all[i] = placed(strconv.Itoa(i), fmt.Sprintf("k%d", i%keys))
	}
	return all
}

func TestNATSLosesNoEventWhenTheServerIsRestarted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := natsServer(t, dir, -1)
	_, port, _ := net.SplitHostPort(server.Addr().String())
	number, _ := strconv.Atoi(port)
	h := newHub(t, server.Addr().String())
	h.send(t, many(400, 10)...)
	r := &recorder{took: 5 * time.Millisecond}
	s := source(t, nats.Source, h.url("durable=d&dead=dead&ackwait=2s&concurrency=5"), cloudevent.SourceConfig{Handle: r.handle})
	eventually(t, 10*time.Second, "a quarter is handled", func() bool { return r.count() >= 100 })
	server.Shutdown()
	server.WaitForShutdown()
	time.Sleep(time.Second)
	natsServer(t, dir, number)
	eventually(t, 30*time.Second, "every event is handled", func() bool { return r.distinct() == 400 })
	eventually(t, 30*time.Second, "every event is acknowledged", func() bool {
		unanswered, pending := h.left(t, "d")
		return unanswered == 0 && pending == 0
	})
	drain(t, s, 10*time.Second)
	if len(h.dead(t)) != 0 {
		t.Errorf("%d dead letters", len(h.dead(t)))
	}
	t.Logf("%d events ran %d times", r.distinct(), r.count())
}

func TestNATSWaitsForAServerThatComesLater(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := natsServer(t, dir, -1)
	_, port, _ := net.SplitHostPort(server.Addr().String())
	number, _ := strconv.Atoi(port)
	h := newHub(t, server.Addr().String())
	h.send(t, many(20, 1)...)
	server.Shutdown()
	server.WaitForShutdown()
	r := &recorder{}
	s := source(t, nats.Source, h.url("durable=d"), cloudevent.SourceConfig{Handle: r.handle})
	time.Sleep(time.Second)
	natsServer(t, dir, number)
	eventually(t, 30*time.Second, "every event is handled", func() bool { return r.distinct() == 20 })
	drain(t, s, 10*time.Second)
}

func TestNATSPoisonGoesToTheDeadLettersAndHoldsUpNobody(t *testing.T) {
	t.Parallel()
	h := newHub(t, natsServer(t, t.TempDir(), -1).Addr().String())
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
	h.send(t, all[:50]...)
	if _, err := h.js.Publish(t.Context(), "orders.new", []byte("this is no event")); err != nil {
		t.Fatal(err)
	}
	h.send(t, all[50:]...)
	s := source(t, nats.Source, h.url("durable=d&dead=dead&attempts=4&concurrency=2"), cloudevent.SourceConfig{Handle: r.handle})
	eventually(t, 20*time.Second, "all but three are handled, and those are dead", func() bool { return r.distinct() == 98 && len(h.dead(t)) == 3 })
	drain(t, s, 10*time.Second)
	if unanswered, pending := h.left(t, "d"); unanswered != 0 || pending != 0 {
		t.Errorf("%d unanswered, %d pending", unanswered, pending)
	}
	if r.tries["0"] != 1 || r.tries["10"] != 4 || r.tries["20"] != 3 || r.tries["30"] != 10 {
		t.Errorf("tries %v, want 1 of what is refused, 4 of what fails, 3 of what recovers, 10 of what runs elsewhere", r.tries)
	}
	codes := map[string]int{}
	for _, m := range h.dead(t) {
		codes[m.Header.Get("ce-knativeerrorcode")]++
		if id := m.Header.Get("ce-id"); id == "" && string(m.Data) != "this is no event" {
			t.Errorf("dead letter %v %q", m.Header, m.Data)
		}
		if m.Header.Get("ce-knativeerrordata") == "" || m.Header.Get("ce-knativeerrordest") != "nats://"+h.addr+"/ORDERS" {
			t.Errorf("dead letter %v", m.Header)
		}
	}
	if codes["400"] != 2 || codes["503"] != 1 {
		t.Errorf("codes %v", codes)
	}
}

func TestNATSKeepsOrderByKeyAlsoWhereEventsAreTriedAgain(t *testing.T) {
	t.Parallel()
	h := newHub(t, natsServer(t, t.TempDir(), -1).Addr().String())
	r := &recorder{took: time.Millisecond, judge: func(e event.Event, try int) deliver.Result {
		if n, _ := strconv.Atoi(e.ID()); n%17 == 0 && try < 3 {
			return deliver.Result{Outcome: deliver.Again, Code: 503}
		}
		return deliver.Result{}
	}}
	h.send(t, many(500, 7)...)
	s := source(t, nats.Source, h.url("durable=d&order=partitionkey"), cloudevent.SourceConfig{Handle: r.handle})
	eventually(t, 30*time.Second, "every event is handled", func() bool { return r.count() == 500 })
	drain(t, s, 10*time.Second)
	if keys := r.disorder(); keys != nil {
		t.Errorf("out of order: %v", keys)
	}
}

func TestNATSHandsAnOrderedStreamOverWithoutDisorder(t *testing.T) {
	t.Parallel()
	h := newHub(t, natsServer(t, t.TempDir(), -1).Addr().String())
	r := &recorder{took: 5 * time.Millisecond}
	url := h.url("durable=d&order=partitionkey&ackwait=2s")
	first := source(t, nats.Source, url, cloudevent.SourceConfig{Handle: r.handle})
	second := source(t, nats.Source, url, cloudevent.SourceConfig{Handle: r.handle})
	h.send(t, many(500, 7)...)
	eventually(t, 10*time.Second, "some are handled", func() bool { return r.count() > 50 })
	begun := time.Now()
	drain(t, first, 10*time.Second)
	eventually(t, 30*time.Second, "every event is handled", func() bool { return r.distinct() == 500 })
	t.Logf("handed over and done in %v", time.Since(begun))
	drain(t, second, 10*time.Second)
	if keys := r.disorder(); keys != nil || r.count() != 500 {
		t.Errorf("out of order: %v; %d runs of 500", keys, r.count())
	}
}

func TestNATSIsToldOfCallsThatTakeLong(t *testing.T) {
	t.Parallel()
	h := newHub(t, natsServer(t, t.TempDir(), -1).Addr().String())
	r := &recorder{took: 4 * time.Second}
	h.send(t, many(3, 3)...)
	s := source(t, nats.Source, h.url("durable=d&ackwait=1s"), cloudevent.SourceConfig{Handle: r.handle})
	eventually(t, 20*time.Second, "every event is handled", func() bool { return r.distinct() == 3 })
	drain(t, s, 10*time.Second)
	if r.count() != 3 {
		t.Errorf("3 events ran %d times: they were delivered again meanwhile", r.count())
	}
}

func TestNATSDrainsUnderLoad(t *testing.T) {
	t.Parallel()
	h := newHub(t, natsServer(t, t.TempDir(), -1).Addr().String())
	r := &recorder{took: 20 * time.Millisecond}
	h.send(t, many(1000, 10)...)
	s := source(t, nats.Source, h.url("durable=d&ackwait=30s"), cloudevent.SourceConfig{Handle: r.handle})
	eventually(t, 10*time.Second, "some are handled", func() bool { return r.count() > 50 })
	begun := time.Now()
	drain(t, s, 10*time.Second)
	took := time.Since(begun)
	at := r.count()
	eventually(t, 5*time.Second, "nothing is left with a process that is gone", func() bool {
		unanswered, pending := h.left(t, "d")
		return at+int(pending)+unanswered == 1000
	})
	next := source(t, nats.Source, h.url("durable=d&ackwait=30s&concurrency=50"), cloudevent.SourceConfig{Handle: r.handle})
	eventually(t, 10*time.Second, "the rest is handled at once, without waiting for ackwait", func() bool { return r.distinct() == 1000 })
	drain(t, next, 10*time.Second)
	if r.count() != 1000 || took > 4*time.Second {
		t.Errorf("1000 events ran %d times; the drain took %v", r.count(), took)
	}
}
