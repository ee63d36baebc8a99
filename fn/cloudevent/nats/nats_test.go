package nats

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/internal/eventurl"
	"github.com/dubbofn/dubbofn/invoker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func parse(t *testing.T, s string) invoker.URL {
	t.Helper()
	u, err := invoker.ParseURL(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestAURLSaysWhatIsConsumed(t *testing.T) {
	t.Parallel()
	c, err := readConfig(parse(t, "nats://u:p@a,b:4333/ORDERS?subject=orders.>&dead=dead.orders&order=partitionkey&concurrency=3&ackwait=10s"), "my.shop", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if c.servers != "nats://a:4222,nats://b:4333" || c.stream != "ORDERS" || c.durable != "my-shop" || c.work.Concurrency != 3 || c.work.Attempts != 10 {
		t.Errorf("%+v", c)
	}
	cc := c.consumer()
	if cc.MaxDeliver != -1 || cc.AckPolicy != jetstream.AckExplicitPolicy || cc.FilterSubject != "orders.>" || cc.PriorityPolicy != jetstream.PriorityPolicyPinned || cc.PinnedTTL != 15*time.Second {
		t.Errorf("%+v", cc)
	}
}

func TestWithoutDeadLettersNothingIsGivenUp(t *testing.T) {
	t.Parallel()
	c, err := readConfig(parse(t, "nats://a/ORDERS"), "shop", slog.New(slog.DiscardHandler))
	if err != nil || c.work.Attempts != 0 || len(c.consumer().PriorityGroups) != 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestFaultsOfAURLAreToldTogether(t *testing.T) {
	t.Parallel()
	_, err := readConfig(parse(t, "nats://a/?durable=a.b&attempts=3&order=x&dead=&subjects=x&ackwait=1ms"), "shop", slog.New(slog.DiscardHandler))
	if err == nil {
		t.Fatal("no fault")
	}
	for _, want := range []string{`stream ""`, `durable="a.b"`, "attempts=3 without dead", `unknown parameter "subjects"`, `ackwait="1ms"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	if _, err := readConfig(parse(t, "nats://a/S?subject=a.>&dead=a.dead"), "shop", slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "come back") {
		t.Errorf("dead letters among the events: %v", err)
	}
}

func TestAConsumerThatLosesEventsIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*jetstream.ConsumerConfig)
		want   string
	}{
		"as it is made":          {func(*jetstream.ConsumerConfig) {}, ""},
		"without acknowledgment": {func(c *jetstream.ConsumerConfig) { c.AckPolicy = jetstream.AckNonePolicy }, "want explicit"},
		"gives up":               {func(c *jetstream.ConsumerConfig) { c.MaxDeliver = 10 }, "nobody hears of it"},
		"gives up later":         {func(c *jetstream.ConsumerConfig) { c.MaxDeliver = 11 }, ""},
		"another subject":        {func(c *jetstream.ConsumerConfig) { c.FilterSubject = "x" }, "another durable"},
		"no order":               {func(c *jetstream.ConsumerConfig) { c.PriorityPolicy = jetstream.PriorityPolicyNone }, "order=subject"},
	} {
		u := parse(t, "nats://a/S?subject=a.>&dead=b&order=subject")
		cfg, err := readConfig(u, "shop", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		cc := cfg.consumer()
		c.change(&cc)
		s := eventurl.New(invoker.URL{})
		cfg.check(cc, s)
		if err := s.Err(); (err == nil) != (c.want == "") || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestSubjectsWithWildcardsCoverOthers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, subject string
		want             bool
	}{
		{"a", "a", true}, {"a", "b", false}, {"a.*", "a.b", true}, {"a.*", "a.b.c", false}, {"a.>", "a.b.c", true}, {"a.>", "a", false}, {">", "a", true}, {"a.*.c", "a.b.c", true},
	} {
		if got := covers(c.pattern, c.subject); got != c.want {
			t.Errorf("%s covers %s: %v", c.pattern, c.subject, got)
		}
	}
}
