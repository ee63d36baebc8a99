package redis

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/fn/cloudevent"
	"github.com/dubbofn/dubbofn/invoker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, s string) (cloudevent.Seen, error) {
	t.Helper()
	u, err := invoker.ParseURL(s)
	if err != nil {
		t.Fatal(err)
	}
	return Seen.OpenSeen(t.Context(), u, cloudevent.SeenConfig{App: "my shop", For: time.Minute, Log: slog.New(slog.DiscardHandler)})
}

func TestFaultsOfAURLAreToldTogether(t *testing.T) {
	t.Parallel()
	_, err := open(t, "redis://u:geheim@/orders?lease=1ms&ttl=3&tls=perhaps")
	if err == nil {
		t.Fatal("no fault")
	}
	for _, want := range []string{"no host", `database "orders"`, `lease="1ms"`, `unknown parameter "ttl"`, `tls="perhaps"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "geheim") {
		t.Errorf("the password is in %v", err)
	}
}

// TestAServerThatIsAwayOrSilentIsAnError shows that an event is not taken for new because nobody knows.
func TestAServerThatIsAwayOrSilentIsAnError(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	t.Cleanup(func() { _ = l.Close() })
	for _, addr := range []string{l.Addr().String(), gone.Addr().String()} {
		s, err := open(t, "redis://"+addr+"/3")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		begun := time.Now()
		if c, err := s.Begin(ctx, strings.Repeat("0", 64), time.Minute); err == nil {
			t.Errorf("%s: %+v", addr, c)
		}
		cancel()
		if d := time.Since(begun); d > 2*time.Second {
			t.Errorf("%s: took %v", addr, d)
		}
		for range 2 {
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
}
