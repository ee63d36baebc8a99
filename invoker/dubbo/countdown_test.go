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
	for name, x := range map[string]struct {
		within *invoker.Invocation
		inv    *invoker.Invocation
		want   bool
	}{
		"a plain call":                        {nil, invocation("get"), false},
		"within a call that counts none down": {invocation("outer"), invocation("get"), false},
		"within a call that counts down":      {counting, invocation("get"), true},
		"a call that says so":                 {nil, counting, true},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if x.within != nil {
			ctx = invoker.NewContext(ctx, x.within)
		}
		var e hessian.Encoder
		e.Reset(hessian.NewTypes(), nil)
		if err := encodeCallAttachments(ctx, x.inv, &e); err != nil {
			t.Fatal(err)
		}
		var d hessian.Decoder
		d.Reset(hessian.NewTypes(), e.Bytes(), hessian.Limits{})
		sent := map[string]any{}
		if err := d.Map(func(k string, v any) error { sent[k] = v; return nil }); err != nil {
			t.Fatal(err)
		}
		left, has := milliseconds(sent["_TO"])
		if has != x.want || has && (left > 3*time.Second || sent["timeout"] != sent["_TO"]) {
			t.Errorf("%s: sent %v", name, sent)
		}
	}
}
