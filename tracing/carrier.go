package tracing

import (
	"github.com/dubbofn/dubbofn/invoker"
)

// The keys of what carries a trace (SkyWalking cross process propagation headers protocol v3; W3C Trace Context).
const (
	KeySW8            = "sw8"
	KeySW8Correlation = "sw8-correlation"
	KeyTraceparent    = "traceparent"
	KeyTracestate     = "tracestate"
)

// maxCarried bounds what is read of one key.
const maxCarried = 8 << 10

// Attachments makes a carrier of a call's attachments. Values are strings, or lists of strings as Triple brings them; others count as none.
func Attachments(a *invoker.Attachments) Carrier { return attachments{a} }

type attachments struct{ of *invoker.Attachments }

func (c attachments) Get(key string) string {
	v, _ := c.of.Value(key)
	var s string
	switch v := v.(type) {
	case string:
		s = v
	case []string:
		if len(v) > 0 {
			s = v[0]
		}
	case []any:
		if len(v) > 0 {
			s, _ = v[0].(string)
		}
	}
	if len(s) > maxCarried {
		return ""
	}
	return s
}

func (c attachments) Set(key, value string) { c.of.Set(key, value) }
