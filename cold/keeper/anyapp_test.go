package keeper_test

import (
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/cold/keeper"
	"github.com/dubbofn/dubbofn/cold/keeper/lent"
)

// One token may be every application's; one that has a token of its own can't be used with it.
func TestAnyAppIsThoseThatNobodyNames(t *testing.T) {
	t.Parallel()
	b := startKeeper(t, "", func(c *keeper.Config) {
		named := c.Apps()
		everyone, err := keeper.NewApp(keeper.AnyApp, "the token of all")
		if err != nil {
			t.Fatal(err)
		}
		c.Apps = func() []keeper.App { return append([]keeper.App{everyone}, named...) }
	})
	for name, c := range map[string]struct {
		app, token string
		connected  bool
	}{
		"any":                     {"whoever", "the token of all", true},
		"another":                 {"somebody", "the token of all", true},
		"any, with a wrong one":   {"whoever", secret, false},
		"named":                   {"shop", secret, true},
		"named, with that of all": {"shop", "the token of all", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := lent.Open(t.Context(), lent.Config{Address: b.unix, App: c.app, Instance: "i", Token: c.token, Budget: 5 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			l.State(t.Context())
			if got := l.Stats().Connected; got != c.connected {
				t.Errorf("connected: %t, want %t", got, c.connected)
			}
		})
	}
}
