package client_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/registry"
)

// locked is an embedded registry behind a password and a key: "right".
type locked struct{}

func (locked) Name() string { return "locked" }

func (locked) Open(ctx context.Context, c registry.Config) (registry.Registry, error) {
	if c.Password != "right" || c.Params["secretKey"] != "right" {
		return nil, &registry.Refusal{What: "login", Reason: "unknown user"}
	}
	return registry.Embedded.Open(ctx, registry.Config{Path: c.Path})
}

func TestURLsWithOtherSecretsAreOtherRegistries(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	right := "locked://me:right@a:1" + dir + "?secretKey=right"
	for _, wrong := range []string{"locked://me:wrong@a:1" + dir + "?secretKey=right", "locked://me:right@a:1" + dir + "?secretKey=wrong"} {
		c, err := client.New(client.Config{Registry: []string{right}, ConfigCenter: wrong, Log: slog.New(slog.DiscardHandler)}, locked{})
		if err != nil {
			t.Fatal(err)
		}
		var refused *registry.Refusal
		if _, err := c.Reference(t.Context(), users); !errors.As(err, &refused) {
			t.Errorf("%v, want a refusal", err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}
