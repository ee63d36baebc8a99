package client_test

import (
	"context"
	"errors"
	"testing"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/invoker"
)

// Reason is a part of exceptions.
type Reason struct{ Why string }

// NoRoom embeds pointers, of which nothing tells what they are to point to.
type NoRoom struct {
	*invoker.Exception
	*Reason
	Limit int64
}

func (e *NoRoom) Error() string { return "no room" }

func TestAnExceptionWithAnEmbeddedPointerIsFilledInAroundIt(t *testing.T) {
	t.Parallel()
	throw := func(invoker.Invoker) invoker.Invoker {
		return invoker.Func(func(context.Context, *invoker.Invocation) (invoker.Result, error) {
			return invoker.Result{}, &invoker.Exception{Class: "org.example.NoRoom", Message: "full", Fields: map[string]any{"limit": int64(3), "why": "many", "message": "full"}}
		})
	}
	s := refer(t, newClient(t, t.TempDir()+"/registry"), client.URL("dubbo://127.0.0.1:1"), client.Throws[*NoRoom](), client.Use(throw))
	var e *NoRoom
	if err := s.Call(t.Context(), "book", nil); !errors.As(err, &e) || e.Limit != 3 {
		t.Errorf("%v: %+v", err, e)
	}
}
