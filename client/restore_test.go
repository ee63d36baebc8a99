package client

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/registry/hint"
)

// A snapshot is from the end of an earlier process; the keeper has followed the registry since.
func TestASnapshotTakesBackNothingThatTheKeeperSays(t *testing.T) {
	t.Parallel()
	c, err := New(Config{App: "shop", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	says := func(app string) []byte {
		return fmt.Appendf(nil, `{"version":1,"entries":[{"key":{"source":"away://there","kind":"apps","name":"org.example.Users"},"apps":[%q]}]}`, app)
	}
	kept, err := hint.Decode(says("now"))
	if err != nil {
		t.Fatal(err)
	}
	c.kept.hint.Merge(kept)
	c.Restore(map[string][]byte{sectionRegistry: says("then")}, cold.NewLedger("shop", "i"))
	if got := string(c.kept.hint.Encode()); !strings.Contains(got, `["now"]`) {
		t.Errorf("remembered: %s", got)
	}
}
