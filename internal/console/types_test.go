package console

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/java"
)

// TestWhatTheFormWritesIsReadAsTheTypesMean has the texts that inputs.js gives for types that JSON lacks.
func TestWhatTheFormWritesIsReadAsTheTypesMean(t *testing.T) {
	t.Parallel()
	set, err := fn.NewSet("greet", fn.NewService("org.example.Types",
		fn.Method("decimal", func(_ context.Context, d *java.BigDecimal) (string, error) { return d.String(), nil }),
		fn.Method("date", func(_ context.Context, d time.Time) (string, error) { return d.UTC().String(), nil }),
		fn.Method("local", func(_ context.Context, d java.LocalDate) (string, error) { return d.String(), nil }),
		fn.Method("keys", func(_ context.Context, m map[int64]string) (string, error) { return m[1], nil }),
		fn.Method("bytes", func(_ context.Context, b []byte) (int32, error) { return int32(b[1]), nil }),
		fn.Method("long", func(_ context.Context, n int64) (int64, error) { return n, nil }),
	))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- dubbo.NewServer(set, dubbo.ServerConfig{Types: set.Types()}).Serve(ctx, l) }()
	t.Cleanup(func() { cancel(); <-done })
	s := open(t, func(c *Config) {
		c.Mode, c.Dial = Call, func(ctx context.Context, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", l.Addr().String())
		}
	})
	for _, x := range []struct{ method, types, arg, want string }{
		{"decimal", "java.math.BigDecimal", `"12.30"`, `"12.30"`},
		{"date", "java.util.Date", `"2026-01-31T12:00:00Z"`, `"2026-01-31 12:00:00 +0000 UTC"`},
		{"local", "java.time.LocalDate", `"2026-01-31"`, `"2026-01-31"`},
		{"keys", "java.util.Map<java.lang.Long,java.lang.String>", `{"1":"x"}`, `"x"`},
		{"bytes", "byte[]", `"AQI="`, `2`},
		{"long", "long", `9007199254740993`, `9007199254740993`}, // which JavaScript's numbers are not exact enough for
	} {
		w := s.do(http.MethodPost, "/console/api/call", `{"app":"greet","service":"org.example.Types","method":"`+x.method+`","types":["`+x.types+`"],"args":[`+x.arg+`]}`, "Authorization", "Bearer "+token)
		if !strings.Contains(w.Body.String(), `"result":`+x.want+`,"text":`) {
			t.Errorf("%s: %s, want %s", x.method, w.Body, x.want)
		}
	}
}
