package dubbo

import (
	"context"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

func TestConnGoesOnWithTheCountdownOfItsCaller(t *testing.T) {
	t.Parallel()
	counting := invocation("outer")
	counting.Attachments.Set("_TO", "5000")
	said := func(c invoker.Countdown) *invoker.Invocation {
		inv := invocation("get")
		inv.Countdown = c
		return inv
	}
	for name, x := range map[string]struct {
		within *invoker.Invocation
		inv    *invoker.Invocation
		want   bool
	}{
		"a plain call":                        {nil, invocation("get"), false},
		"within a call that counts none down": {invocation("outer"), invocation("get"), false},
		"within a call that counts down":      {counting, invocation("get"), true},
		"a call that says so":                 {nil, counting, true},
		"where it is on":                      {nil, said(invoker.CountdownOn), true},
		"within one, where it is off":         {counting, said(invoker.CountdownOff), false},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if x.within != nil {
			ctx = invoker.NewContext(ctx, x.within)
		}
		sent := attachmentsOf(ctx, t, x.inv)
		left, has := milliseconds(sent["_TO"])
		if has != x.want || has && (left > 3*time.Second || sent["timeout"] != sent["_TO"]) {
			t.Errorf("%s: sent %v", name, sent)
		}
	}
}

func TestConnNamesThePathThatTheProviderExportsUnder(t *testing.T) {
	t.Parallel()
	inv := invocation("get")
	if sent := attachmentsOf(t.Context(), t, inv); sent["path"] != testService || sent["interface"] != testService {
		t.Errorf("sent %v", sent)
	}
	inv.Path = "shop/users"
	inv.Attachments.Set("path", "the caller's own")
	if sent := attachmentsOf(t.Context(), t, inv); sent["path"] != "shop/users" || sent["interface"] != testService {
		t.Errorf("sent %v", sent)
	}
}

// attachmentsOf gives the attachments that a call sends.
func attachmentsOf(ctx context.Context, t *testing.T, inv *invoker.Invocation) map[string]any {
	t.Helper()
	var e hessian.Encoder
	e.Reset(hessian.NewTypes(), nil)
	if err := encodeCallAttachments(ctx, inv, &e); err != nil {
		t.Fatal(err)
	}
	var d hessian.Decoder
	d.Reset(hessian.NewTypes(), e.Bytes(), hessian.Limits{})
	sent := map[string]any{}
	if err := d.Map(func(k string, v any) error { sent[k] = v; return nil }); err != nil {
		t.Fatal(err)
	}
	return sent
}
