package cloudevent_test

import (
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/fn/cloudevent"
	"github.com/dubbofn/dubbofn/fn/cloudevent/seentest"
)

func TestMemoryPassesTheSuiteOfStores(t *testing.T) {
	t.Parallel()
	const window = 2 * time.Second
	store := cloudevent.NewMemory(window)
	seentest.Run(t, seentest.Store{Open: func(*testing.T) cloudevent.Seen { return store }, Window: window, Alone: true})
}
