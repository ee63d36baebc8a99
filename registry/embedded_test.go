package registry_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/registry"
	"github.com/dubbofn/dubbofn/registry/registrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEmbeddedPassesTheSuite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	registrytest.Suite{Open: func(ctx context.Context) (registry.Registry, error) {
		return registry.Embedded.Open(ctx, registry.Config{Scheme: "embedded", Params: map[string]string{"dir": dir}})
	}}.Run(t)
}
