package nacos

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/registry"
)

// TestAMappingThatMayNotBeWrittenEndsWithTheRefusal at once; a lost race is tried again.
func TestAMappingThatMayNotBeWrittenEndsWithTheRefusal(t *testing.T) {
	t.Parallel()
	f, c := newFake(t, time.Hour)
	for code, final := range map[int]bool{403: true, 400: true, 500: false, 409: false} {
		f.mu.Lock()
		f.refuse["ConfigPublishRequest"], f.asked["ConfigPublishRequest"] = code, 0
		f.mu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err := c.join(ctx, "org.example.Users", "shop")
		late := ctx.Err() != nil
		cancel()
		f.mu.Lock()
		tries := f.asked["ConfigPublishRequest"]
		f.mu.Unlock()
		var refused *registry.Refusal
		if final && !errors.As(err, &refused) || !final && !errors.Is(err, context.DeadlineExceeded) || late == final || (tries == 1) != final {
			t.Errorf("code %d: %d tries, %v", code, tries, err)
		}
	}
}
