package dubbo_test

import (
	"context"
	"net"
	"testing"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/invoker/dubbo/dubbotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNetIsATransport(t *testing.T) {
	t.Parallel()
	dubbotest.TestTransport(t, dubbotest.Transport{
		Listen: func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") },
		Dial: func(ctx context.Context, address string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", address)
		},
	})
}
