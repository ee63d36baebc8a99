package directory_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
	"github.com/dubbofn/dubbofn/invoker/cluster/directory"
)

func TestStaticNeedsNoRegistry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pool := cold.NewPool(func(context.Context, string) (cluster.Conn, error) { return &peer{done: make(chan struct{})}, nil }, cold.PoolConfig{})
		c := directory.Config{Service: invoker.ServiceKey{Interface: users}, Pool: pool}
		url := func(s string) invoker.URL {
			u, err := invoker.ParseURL(s)
			if err != nil {
				t.Fatal(err)
			}
			return u
		}
		d, err := directory.NewStatic([]invoker.URL{url("dubbo://b:20880?timeout=5"), url("dubbo://a,c:1"), url("dubbo://b")}, c)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range d.Snapshot().Providers {
			got = append(got, p.Address)
		}
		if diff := cmp.Diff([]string{"a:20880", "b:20880", "c:1"}, got); diff != "" {
			t.Error(diff)
		}
		_ = d.Close()
		if _, err := directory.NewStatic([]invoker.URL{url("tri://a:1")}, c); err == nil || !strings.Contains(err.Error(), "want dubbo://host") {
			t.Errorf("error %v", err)
		}
		_ = pool.Close()
	})
}
