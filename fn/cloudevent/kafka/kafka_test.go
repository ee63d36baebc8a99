package kafka

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/invoker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func read(t *testing.T, s string) (config, error) {
	t.Helper()
	u, err := invoker.ParseURL(s)
	if err != nil {
		t.Fatal(err)
	}
	return readConfig(u, "shop", slog.New(slog.DiscardHandler))
}

func TestAURLSaysWhatIsConsumed(t *testing.T) {
	t.Parallel()
	c, err := read(t, "kafka://u:p@a,b:9093/orders?order=key&dead=orders.dead&concurrency=3&sasl=scram-sha-512")
	if err != nil {
		t.Fatal(err)
	}
	if c.topic != "orders" || c.group != "shop" || c.order != "key" || c.dead != "orders.dead" || c.work.Concurrency != 3 || c.work.Attempts != 10 {
		t.Errorf("%+v", c)
	}
	if c, err = read(t, "kafka://a/orders?group=g"); err != nil || c.group != "g" || c.order != "partition" || c.work.Attempts != 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestFaultsOfAURLAreToldTogether(t *testing.T) {
	t.Parallel()
	_, err := read(t, "kafka://u:geheim@a/or ders?group=&attempts=3&sasl=gssapi&session=1s&topic=x")
	if err == nil {
		t.Fatal("no fault")
	}
	for _, want := range []string{`topic "or ders"`, `group=""`, "attempts=3 without dead", `sasl="gssapi"`, `session="1s"`, `unknown parameter "topic"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "geheim") {
		t.Errorf("the password is in %v", err)
	}
	if _, err := read(t, "kafka://a/orders?dead=orders"); err == nil || !strings.Contains(err.Error(), "another topic") {
		t.Errorf("dead letters among the events: %v", err)
	}
}

func TestOnlyTheHandledPrefixIsCommitted(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	p := newPartition(ctx, 0, end)
	defer p.close()
	records := map[int64]*kgo.Record{}
	nothing := func() {}
	for _, o := range []int64{10, 11, 15, 16} { // compaction leaves gaps
		records[o] = &kgo.Record{Offset: o, LeaderEpoch: int32(o)}
		p.add(records[o], 100, nothing)
	}
	for _, c := range []struct {
		finish int64
		want   int64
	}{{11, 0}, {16, 0}, {10, 12}, {15, 17}} {
		p.finish(records[c.finish], 100, nothing)
		if got, dirty := p.uncommitted(); got.Offset != c.want || dirty != (c.want > 0) {
			t.Errorf("%d handled: would commit %d, want %d", c.finish, got.Offset, c.want)
		}
	}
	o, _ := p.uncommitted()
	p.committed(o)
	if _, dirty := p.uncommitted(); dirty || o.Epoch != 16 {
		t.Errorf("%+v, dirty %v", o, dirty)
	}
}

func TestAPartitionIsPausedWhereTooMuchOfItIsHere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ size, most, fits int }{"records": {1, 4, 4}, "bytes": {keptBytes / 2, 100, 2}} {
		ctx, end := context.WithCancel(t.Context())
		p := newPartition(ctx, 0, end)
		paused, resumed := 0, 0
		var all []*kgo.Record
		for i := range c.fits {
			if paused != 0 {
				t.Errorf("%s: paused after %d", name, i)
			}
			r := &kgo.Record{Offset: int64(i), Value: make([]byte, c.size)}
			all = append(all, r)
			p.add(r, c.most, func() { paused++ })
		}
		for _, r := range all {
			p.finish(r, c.most, func() { resumed++ })
		}
		if paused != 1 || resumed != 1 {
			t.Errorf("%s: paused %d times, resumed %d times", name, paused, resumed)
		}
		p.close()
	}
}
