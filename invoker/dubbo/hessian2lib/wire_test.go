package hessian2lib_test

import (
	"context"
	"errors"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/invoker/dubbo/hessian2lib"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type order struct {
	ID    int64
	Items []string
}

func (order) JavaClassName() string { return "org.example.Order" }

// shop has the one method double(Order) → Order, and throws where the order has no items.
type shop struct {
	types *hessian.Types
	sig   hessian.Signature
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{types: hessian.NewTypes()}
	p, err := s.types.Plan(reflect.TypeFor[*order]())
	if err != nil {
		t.Fatal(err)
	}
	s.sig = hessian.Signature{Params: []*hessian.Plan{p}, Result: p}
	return s
}

func (s *shop) Types() *hessian.Types { return s.types }

func (s *shop) Lookup(_, _, _, _ []byte) (invoker.Invoker, *hessian.Signature, error) {
	return invoker.Func(func(_ context.Context, inv *invoker.Invocation) (invoker.Result, error) {
		o := inv.Args[0].(*order)
		if len(o.Items) == 0 {
			return invoker.Result{}, errors.New("no items")
		}
		inv.Reply.Set("seen", inv.Attachments.Get("colour"))
		return invoker.Result{Value: &order{ID: 2 * o.ID, Items: append(o.Items, o.Items...)}}, nil
	}), &s.sig, nil
}

func TestServerSpeaksThroughTheSecondCodec(t *testing.T) {
	t.Parallel()
	if err := hessian2lib.Register("org.example.Order", order{}); err != nil {
		t.Fatal(err)
	}
	provider := newShop(t)
	server := dubbo.NewServer(provider, dubbo.ServerConfig{Codec: hessian2lib.Codec{}, Quiet: time.Millisecond})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(t.Context(), l) }()
	conn, err := dubbo.Dial(t.Context(), l.Addr().String(), dubbo.ConnConfig{Types: provider.types})
	if err != nil {
		t.Fatal(err)
	}
	var got order
	inv := &invoker.Invocation{Service: invoker.ServiceKey{Interface: "org.example.Shop"}, Method: "double", Args: []any{&order{ID: 21, Items: []string{"a", "b"}}}, Into: &got}
	inv.Attachments.Set("colour", "blue")
	result, err := conn.Invoke(t.Context(), inv)
	if err != nil || !reflect.DeepEqual(got, order{ID: 42, Items: []string{"a", "b", "a", "b"}}) || result.Attachments.Get("seen") != "blue" {
		t.Errorf("double: %+v, attachments %v, %v", got, result.Attachments, err)
	}
	inv = &invoker.Invocation{Service: inv.Service, Method: "double", Args: []any{&order{}}}
	var thrown *invoker.Exception
	if _, err := conn.Invoke(t.Context(), inv); !errors.As(err, &thrown) || !strings.Contains(thrown.Message, "no items") {
		t.Errorf("no items: %v", err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if err := server.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
