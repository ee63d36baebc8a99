package dubbo

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

// tellAll offers a method that answers with all that it learns of its call.
func tellAll(tb testing.TB) *testProvider {
	tb.Helper()
	p := newTestProvider()
	p.offer(tb, "tell", func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
		var e hessian.Encoder // which writes what refers to itself, too
		e.Reset(p.types, nil)
		_ = e.Value(inv.Args)
		for k, v := range inv.Attachments.All() {
			e.String(k)
			_ = e.Value(v)
		}
		slices.Sort(e.Bytes()) // maps come in any order
		text := fmt.Sprintf("%v %v %s %x", inv.Service, inv.Caller.Application, inv.Method, e.Bytes())
		if at, ok := ctx.Deadline(); ok {
			text += fmt.Sprint(" ends ", at.Unix())
		}
		inv.Attachments.Set("group", "changed")
		inv.Attachments.Set("more", "added")
		inv.Attachments.Delete("path")
		return invoker.Result{Value: text}, nil
	}, reflect.TypeFor[string](), reflect.TypeFor[any]())
	return p
}

// answerOf gives the answer's body; arrival is one point in time for all.
func answerOf(s *Server, body []byte) string {
	r := s.request()
	r.begin(nil, header{flags: plainRequest, id: 9}, time.Unix(5e9, 0))
	r.body = bytes.Clone(body)
	s.cfg.Budget.take(len(r.body))
	s.answer(context.Background(), r)
	defer s.recycle(r)
	return string(r.out)
}

func tails(tb testing.TB) [][]byte {
	tb.Helper()
	var all [][]byte
	for _, attachments := range [][]any{
		nil, {"path", "p", "group", "g", "timeout", "1000"}, {"path", "p", "group", "h", "timeout", "1000"}, {"_TO", "77", "application", "a"},
		{"remote.application", "r", "application", "a"}, {"a", nil}, {"a", int64(5)}, {"a", []any{"x", "y"}}, {"a", map[any]any{"k": "v"}},
		{"ä", "𝄞"}, {"group", "g", "group", "h"},
	} {
		frame := requestFrame(tb, 1, protocolVersion, "tell", []any{[]any{"x"}}, attachments...)
		all = append(all, frame[headerBytes:])
	}
	plain := all[0][:len(all[0])-2] // without the empty map
	for _, tail := range []string{
		"N", "", "H\x01a\x51\x90Z", "H\x01a\x51\x91Z", "H\x91\x01bZ", "Mt\x00\x11java.util.HashMap\x01a\x01bZ", "M\x90\x01a\x01bZ", "HZZ", "H\x01a\x01b",
	} {
		all = append(all, append(bytes.Clone(plain), tail...))
	}
	return all
}

// FuzzLastSeen: what a request means does not depend on the one before it.
func FuzzLastSeen(f *testing.F) {
	all := tails(f)
	for i := range all {
		f.Add(all[i], all[(i+1)%len(all)])
	}
	f.Fuzz(func(t *testing.T, before, body []byte) {
		alone := NewServer(tellAll(t), ServerConfig{})
		after := NewServer(tellAll(t), ServerConfig{})
		answerOf(after, before)
		want := answerOf(alone, body)
		for i := range 2 {
			if got := answerOf(after, body); got != want {
				t.Fatalf("time %d after %x: %x is answered\n%q, alone\n%q", i+1, before, body, got, want)
			}
		}
	})
}

func TestARequestDoesNotDependOnThoseBeforeIt(t *testing.T) {
	t.Parallel()
	all := tails(t)
	after := NewServer(tellAll(t), ServerConfig{})
	for i, first := range all {
		for j, second := range all {
			want := answerOf(NewServer(tellAll(t), ServerConfig{}), second)
			answerOf(after, first)
			for range 2 {
				if got := answerOf(after, second); got != want {
					t.Fatalf("%d after %d: %q is answered\n%q, alone\n%q", j, i, second, got, want)
				}
			}
		}
	}
}

func TestATailThatIsAnotherEveryTimeIsSeldomRemembered(t *testing.T) {
	t.Parallel()
	s := NewServer(tellAll(t), ServerConfig{})
	var last *tail
	changes := 0
	for i := range 1600 {
		answerOf(s, requestFrame(t, 1, protocolVersion, "tell", []any{"x"}, "sw8", fmt.Sprint(i))[headerBytes:])
		if now := s.seen.tail.Load(); now != last {
			changes++
			last = now
		}
	}
	if want := manyMisses + 1600/manyMisses; changes > want {
		t.Errorf("remembered %d times of 1600 (limit %d)", changes, want)
	}
	large := requestFrame(t, 1, protocolVersion, "tell", []any{"x"}, "k", string(make([]byte, maxSeenBytes)))[headerBytes:]
	again := NewServer(tellAll(t), ServerConfig{})
	if answerOf(again, large); again.seen.tail.Load() != nil {
		t.Error("a tail of more than 1 KiB is remembered")
	}
}

// TestWhatACallAllocates: decoding, running and answering the echo of a string, once the connection has seen such a call.
func TestWhatACallAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates too")
	}
	p := newTestProvider()
	p.offerEcho(t)
	s := NewServer(p, ServerConfig{})
	body := requestFrame(t, 1, protocolVersion, "echo", []any{"some text"}, "path", testService, "interface", testService, "version", "0.0.0", "timeout", "1000")[headerBytes:]
	ctx := context.Background()
	r := s.request()
	arrival := time.Now()
	allocs := testing.AllocsPerRun(200, func() {
		r.begin(nil, header{flags: plainRequest, id: 9}, arrival)
		r.body = append(r.own[:0], body...)
		s.cfg.Budget.take(len(r.body))
		s.answer(ctx, r)
	})
	// The call with its context and invocation, the context that carries the invocation, the string, and its box.
	if want := 4.0; allocs != want {
		t.Errorf("%v allocations, want %v", allocs, want)
	}
	var d hessian.Decoder
	d.Reset(s.cfg.Types, r.out[headerBytes:], hessian.Limits{})
	if kind, err := d.Int(); err != nil || kind != withValue+attached {
		t.Errorf("answered %x: %d, %v", r.out, kind, err)
	}
}
