package nacos

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"

	"github.com/dubbofn/dubbofn/registry"
)

// follow watches a rule until the test ends.
func follow(t *testing.T, c *center, k key) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	got, done := make(chan string, 100), make(chan struct{})
	go func() {
		defer close(done)
		defer close(got)
		if err := c.WatchRule(ctx, k.group, k.dataID, func(content string) { got <- content }); err != nil {
			t.Errorf("the watch ended: %v", err)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return got
}

// push tells as the server does that a config has changed.
func push(c *center, k key) {
	c.changed(rpc_request.NewConfigChangeNotifyRequest(k.group, k.dataID, ""))
}

func until(t *testing.T, got <-chan string, want string) {
	t.Helper()
	limit := time.After(5 * time.Second)
	for {
		select {
		case content, ok := <-got:
			if content == want {
				return
			}
			if !ok {
				t.Fatalf("no %q", want)
			}
		case <-limit:
			t.Fatalf("no %q after 5 s", want)
		}
	}
}

// TestARuleThatChangesWhileItIsReadIsTold: the server pushes what changes after a listener came, and answers the listener with what
// changed before.
func TestARuleThatChangesWhileItIsReadIsTold(t *testing.T) {
	t.Parallel()
	f, c := newFake(t, time.Hour)
	k := key{"dubbo", "shop.tag-router"}
	f.set(k, "old")
	f.mu.Lock()
	f.queried = func(k key) {
		if f.configs[k] == "old" {
			f.configs[k] = "new"
		}
	}
	f.mu.Unlock()
	until(t, follow(t, c, k), "new")
}

// TestARuleThatIsTooLargeHoldsUpNothing: the rest is looked after now and then as ever.
func TestARuleThatIsTooLargeHoldsUpNothing(t *testing.T) {
	t.Parallel()
	f, c := newFake(t, 500*time.Millisecond)
	large, other := key{"dubbo", "shop.tag-router"}, key{"dubbo", "shop.condition-router"}
	f.set(large, "small")
	grown, quiet := follow(t, c, large), follow(t, c, other)
	until(t, grown, "small")
	until(t, quiet, "")
	f.set(large, strings.Repeat("x", maxRuleBytes+1))
	push(c, large)
	time.Sleep(100 * time.Millisecond)
	f.set(other, "told by nobody")
	until(t, quiet, "told by nobody")
	f.set(large, "small again")
	push(c, large)
	until(t, grown, "small again")
}

// TestAWatchEndsInTimeWhileTheServerIsSilent: whoever closes a reference does not wait for it.
func TestAWatchEndsInTimeWhileTheServerIsSilent(t *testing.T) {
	t.Parallel()
	const subscribe, query = "SubscribeServiceRequest", "ConfigQueryRequest"
	f, c := newFake(t, time.Hour)
	first := make(chan struct{}, 1)
	instances := func(ctx context.Context) error {
		return c.WatchInstances(ctx, registry.Name{App: "shop"}, func([]registry.Instance) { first <- struct{}{} })
	}
	rule := func(ctx context.Context) error {
		return c.WatchRule(ctx, "dubbo", "shop.tag-router", func(string) { first <- struct{}{} })
	}
	for name, w := range map[string]struct {
		watch func(context.Context) error
		kind  string
	}{"instances": {instances, subscribe}, "rule": {rule, query}} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 3)
		go func() { ended <- w.watch(ctx) }()
		<-first
		release := f.hold(w.kind)
		other, leave := context.WithCancel(t.Context())
		for range 2 { // the second waits for the first
			go func() { ended <- w.watch(other) }()
		}
		time.Sleep(50 * time.Millisecond)
		begin := time.Now()
		leave()
		cancel()
		for range 3 {
			<-ended
		}
		if d := time.Since(begin); d > time.Second {
			t.Errorf("%s: the watches took %v to end", name, d)
		}
		release()
	}
}
