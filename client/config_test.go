package client

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAttachmentsThatPassOnByDefault(t *testing.T) {
	for name, x := range map[string]struct {
		make func(t *testing.T) (Config, error)
		want bool // TX_XID goes on
	}{
		"a zero Config":        {func(*testing.T) (Config, error) { return Config{}, nil }, true},
		"an empty list":        {func(*testing.T) (Config, error) { return Config{PassOn: []string{}}, nil }, false},
		"another list":         {func(*testing.T) (Config, error) { return Config{PassOn: []string{"mine"}}, nil }, false},
		"an environment":       {func(*testing.T) (Config, error) { return FromEnvironment() }, true},
		"an empty environment": {func(t *testing.T) (Config, error) { t.Setenv("DUBBOFN_PASS_ON", ""); return FromEnvironment() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := x.make(t)
			if err != nil {
				t.Fatal(err)
			}
			c, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.passes("tx_xid"); got != x.want {
				t.Errorf("%v, want %v", got, x.want)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEveryDurationOfConnectionsIsSettable(t *testing.T) {
	t.Setenv("DUBBOFN_CONNECTION_LIFETIME", "30m")
	t.Setenv("DUBBOFN_PING_AFTER", "20s")
	cfg, err := FromEnvironment()
	if err != nil || cfg.Lifetime != 30*time.Minute || cfg.PingAfter != 20*time.Second {
		t.Errorf("%v, %v, %v", cfg.Lifetime, cfg.PingAfter, err)
	}
	for want, c := range map[string]Config{
		"DUBBOFN_CONNECTION_LIFETIME": {Lifetime: time.Millisecond}, "DUBBOFN_PING_AFTER": {PingAfter: -1},
	} {
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	pool := (&Config{Lifetime: time.Hour, PingAfter: time.Minute}).pool()
	if pool.Lifetime != time.Hour || pool.PingAfter != time.Minute {
		t.Errorf("%+v", pool)
	}
	if !slices.Contains(defaultList("PassOn"), "TX_XID") {
		t.Error("no default list")
	}
}
