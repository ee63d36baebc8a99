package brokers_test

import (
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/fn/cloudevent"
	"github.com/dubbofn/dubbofn/fn/cloudevent/nats"
	"github.com/dubbofn/dubbofn/fn/cloudevent/redis"
	"github.com/dubbofn/dubbofn/fn/cloudevent/seentest"
)

const window = 3 * time.Second

func store(a cloudevent.SeenAdapter, url string) func(*testing.T) cloudevent.Seen {
	return func(t *testing.T) cloudevent.Seen {
		t.Helper()
		s, err := a.OpenSeen(t.Context(), parse(t, url), cloudevent.SeenConfig{App: "brokers-test", For: window, Log: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

func TestRedisPassesTheSuiteOfStores(t *testing.T) {
	t.Parallel()
	seentest.Run(t, seentest.Store{Open: store(redis.Seen, "redis://"+address(t, "E2E_REDIS")+"?lease=1s"), Window: window, Lease: time.Second})
}

func TestNATSPassesTheSuiteOfStores(t *testing.T) {
	t.Parallel()
	s := natsServer(t, t.TempDir(), -1)
	seentest.Run(t, seentest.Store{Open: store(nats.Seen, "nats://"+s.Addr().String()+"/SEEN?create=true&lease=1s"), Window: window, Lease: time.Second})
}
