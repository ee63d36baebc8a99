package cluster

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/invoker"
)

// traced notes what a Trace function is told, and gives each try an attachment of its own.
type traced struct {
	mu   sync.Mutex
	ends []string
}

func (n *traced) trace(ctx context.Context, p *Provider, inv *invoker.Invocation, begun time.Time) (context.Context, *invoker.Invocation, func(error)) {
	mine := *inv
	mine.Attachments = invoker.Attachments{}
	mine.Attachments.Set("span", p.Address)
	return ctx, &mine, func(err error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		end := p.Address
		if err != nil {
			end += " failed"
		}
		if !begun.IsZero() {
			end += " unconnected"
		}
		n.ends = append(n.ends, end)
	}
}

func TestEachTryIsTracedWithItsOwnProvider(t *testing.T) {
	t.Parallel()
	d := network(t, 3)
	var got []string
	for i, h := range d.all {
		h.answer = func(_ context.Context, inv *invoker.Invocation) (invoker.Result, error) {
			got = append(got, inv.Attachments.Get("span"))
			if i < 2 {
				return invoker.Result{}, notRun()
			}
			return invoker.Result{}, nil
		}
	}
	var n traced
	cl := d.cluster(Config{Trace: n.trace})
	cl.rand = drawn(0, 1, 2)
	inv := call()
	if _, err := cl.Invoke(t.Context(), inv); err != nil {
		t.Fatal(err)
	}
	a, b, c := d.all[0].name, d.all[1].name, d.all[2].name
	if !cmp.Equal(got, []string{a, b, c}) || !cmp.Equal(n.ends, []string{a + " failed", b + " failed", c}) {
		t.Errorf("the providers saw %q, the trace %q", got, n.ends)
	}
	if inv.Attachments.Len() != 0 {
		t.Error("the caller's own call was changed")
	}
}

func TestTriesBesideEachOtherAreTracedEach(t *testing.T) {
	t.Parallel()
	d := network(t, 5)
	d.all[3].fails(errors.New("the method threw"))
	var n traced
	cl := d.cluster(Config{Trace: n.trace, Cluster: "broadcast"})
	if _, err := cl.Invoke(t.Context(), call()); err == nil {
		t.Error("one has failed, and the call has not")
	}
	failed := 0
	for _, e := range n.ends {
		if e == d.all[3].name+" failed" {
			failed++
		}
	}
	if len(n.ends) != 5 || failed != 1 {
		t.Errorf("%q", n.ends)
	}
}

func TestATryWithoutAConnectionIsTraced(t *testing.T) {
	t.Parallel()
	d := network(t, 1)
	d.all[0].mu.Lock()
	d.all[0].refuses = true
	d.all[0].mu.Unlock()
	_ = d.all[0].Close()
	var n traced
	cl := d.cluster(Config{Trace: n.trace, Retries: new(0)})
	if _, err := cl.Invoke(t.Context(), call()); err == nil {
		t.Error("a call succeeded without a connection")
	}
	if !cmp.Equal(n.ends, []string{d.all[0].name + " failed unconnected"}) {
		t.Errorf("%q", n.ends)
	}
}
