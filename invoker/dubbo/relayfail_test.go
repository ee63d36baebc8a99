package dubbo

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/dubbofn/dubbofn/invoker"
)

// Java sends a call again that ends with a status, whatever is published; it doesn't where a method throws.
func TestACallThatMayHaveRunEndsAsIfItHadThrown(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ö", maxWhyBytes)
	_, address := relayOn(t, relayFunc{relay: func(f *Frame) {
		why := "it may have run"
		if string(f.Method()) == "long" {
			why = long
		}
		f.Fail(invoker.CodeTimeout, why)
		f.Fail(invoker.CodeTimeout, "twice")
		f.Refuse(invoker.CodeTimeout, "a third time")
	}}, ServerConfig{})
	c := dialPeer(t, address)
	for id, version := range map[uint64]string{7: protocolVersion, 8: "2.0.1", 9: ""} {
		c.write(requestFrame(t, id, version, "echo", []any{"x"}))
		h, body := c.read()
		res, thrown, err := decodeBody(body)
		var e *invoker.Exception
		if err != nil || h.id != id || h.status != statusOK || !errors.As(thrown, &e) || e.Class != "org.apache.dubbo.rpc.RpcException" || e.Fields["code"] != int32(rpcTimeout) || e.Message != "it may have run" {
			t.Errorf("protocol %q: %+v %+v, %v", version, h, thrown, err)
		}
		if got := res.Attachments.Get(keyStatus); (got == "31") != readsAttachments(version) {
			t.Errorf("protocol %q: status %q", version, got)
		}
	}
	conn, err := Dial(t.Context(), address, ConnConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for method, want := range map[string]string{"echo": "status 31 SERVER_TIMEOUT: it may have run", "long": "ö …"} {
		_, err = conn.Invoke(context.Background(), &invoker.Invocation{Service: invoker.ServiceKey{Interface: "s"}, Method: method, Args: []any{"x"}})
		var e *invoker.Error
		if !errors.As(err, &e) || e.Code != invoker.CodeTimeout || !e.Remote || !e.MaybeExecuted || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: our own consumer got %.200v", method, err)
		}
	}
}

// A status that leaves open whether the call ran says so where a relay knows; one that does not is as it was.
func TestACallThatDidNotRunIsToldSo(t *testing.T) {
	t.Parallel()
	_, address := relayOn(t, relayFunc{relay: func(f *Frame) {
		switch string(f.Method()) {
		case "parked":
			f.NotRun(invoker.CodeTimeout, "it did not wake in time")
		case "long":
			f.NotRun(invoker.CodeInternal, strings.Repeat("ö", maxWhyBytes))
		case "unknown":
			f.NotRun(invoker.CodeNotFound, "nobody offers it")
		default:
			f.Refuse(invoker.CodeTimeout, "it was passed on")
		}
	}}, ServerConfig{})
	conn, err := Dial(t.Context(), address, ConnConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for method, x := range map[string]struct {
		ends string
		ran  bool
	}{
		"parked": {"it did not wake in time; the call did not run (timeout, reported by the peer)", false}, "long": {"ö …; the call did not run (internal, reported by the peer)", false},
		"unknown": {"nobody offers it (not found, reported by the peer)", false}, "sent": {"it was passed on (timeout, reported by the peer, may have run)", true},
	} {
		_, err = conn.Invoke(t.Context(), &invoker.Invocation{Service: invoker.ServiceKey{Interface: "s"}, Method: method, Args: []any{"x"}})
		var e *invoker.Error
		if !errors.As(err, &e) || e.MaybeExecuted != x.ran || !strings.HasSuffix(err.Error(), x.ends) {
			t.Errorf("%s: got …%s, want …%s", method, err.Error()[max(0, len(err.Error())-80):], x.ends)
		}
	}
}

func TestAStatusThatNobodyWroteChangesNothing(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"", "x", "300", "-1"} {
		res := invoker.Result{}
		res.Attachments.Set(keyStatus, status)
		if err := failed(&res, &invoker.Exception{Class: "x"}); err != nil {
			t.Errorf("%q: %v", status, err)
		}
	}
	res := invoker.Result{}
	res.Attachments.Set(keyStatus, "31")
	if err := failed(&res, errors.New("no exception")); err != nil {
		t.Error(err)
	}
}
