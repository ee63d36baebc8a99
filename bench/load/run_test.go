package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/bench/service"
	"github.com/dubbofn/dubbofn/bench/service/measure"
)

// provider is a server on loopback that answers each request with what answer makes of a right reply; nil closes the connection.
func provider(t *testing.T, c Case, answer func(n int, reply []byte) []byte) string {
	t.Helper()
	reply, err := c.Reply()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { answerAll(conn, reply, answer) })
		}
	})
	return l.Addr().String()
}

func answerAll(conn net.Conn, reply []byte, answer func(int, []byte) []byte) {
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 128<<10)
	for n := 0; ; n++ {
		head := make([]byte, headerBytes)
		if _, err := io.ReadFull(r, head); err != nil {
			return
		}
		if _, err := r.Discard(int(binary.BigEndian.Uint32(head[12:]))); err != nil {
			return
		}
		b := append([]byte(nil), reply...)
		copy(b[4:12], head[4:12])
		if b = answer(n, b); b == nil {
			return
		}
		if _, err := conn.Write(b); err != nil {
			return
		}
	}
}

func plan(address, name string) Plan {
	return Plan{Address: address, Connections: 2, Plan: measure.Plan{Case: name, InFlight: 5, WarmUp: 20 * time.Millisecond,
		Measure: 150 * time.Millisecond, MaxCalls: 1 << 30, CheckEvery: 3, PID: os.Getpid()}}
}

func TestRunMeasuresEveryCase(t *testing.T) {
	t.Parallel()
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := NewCase(name)
			if err != nil {
				t.Fatal(err)
			}
			o, err := Run(t.Context(), plan(provider(t, c, func(_ int, b []byte) []byte { return b }), name))
			if err != nil {
				t.Fatal(err)
			}
			if o.Calls == 0 || o.Checked == 0 || o.P50 <= 0 || o.P50 > o.P99 || o.P999 > o.Max {
				t.Errorf("outcome %+v does not hold together", o)
			}
		})
	}
}

func TestRunTakesTurnsAmongConnectionsThatRest(t *testing.T) {
	t.Parallel()
	c, err := NewCase("echo")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	calls := map[int]int{} // by how many its connection had seen
	p := plan(provider(t, c, func(n int, b []byte) []byte {
		mu.Lock()
		defer mu.Unlock()
		calls[n]++
		return b
	}), "echo")
	p.Connections, p.InFlight, p.MaxCalls, p.WarmUp = 10, 2, 25, 0
	o, err := Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if calls[0] != 11 || calls[1] != 10 || o.Checked == 0 { // the first call, of a connection of its own, is the probe's
		t.Errorf("10 connections with 50 calls were used so often: %v", calls)
	}
}

func TestRunCallsServicesInTurn(t *testing.T) {
	t.Parallel()
	c, err := NewCase("echo")
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.requests(3)
	if err != nil || len(all) != 3 || len(all[0]) != len(all[2]) || !bytes.Contains(all[2], []byte(service.Numbered(2))) {
		t.Fatalf("%d requests, %v", len(all), err)
	}
	p := plan(provider(t, c, func(_ int, b []byte) []byte { return b }), "echo")
	l := newLoop(p, c, all, 2, expected{}, 1, func() chan net.Conn { rest := make(chan net.Conn, 1); rest <- nil; return rest }())
	for range 4 {
		l.call(&l.slots[0], 0)
	}
	var names []string
	for frame := range slices.Chunk(l.out, len(all[0])) {
		at := bytes.Index(frame, []byte(service.Interface)) + len(service.Interface)
		names = append(names, string(frame[at:at+5]))
	}
	if !slices.Equal(names, []string{"00002", "00000", "00001", "00002"}) {
		t.Errorf("called %v", names)
	}
	p.Services = 3
	if o, err := Run(t.Context(), p); err != nil || o.Calls == 0 {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestRunRefusesWrongReplies(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, fault string
		spoil       func(b []byte) []byte
	}{
		{"another status", "status 60", func(b []byte) []byte { b[3] = 60; return b }},
		{"an id of no call", "of no open call", func(b []byte) []byte { b[4] = 0x7f; return b }},
		{"a request", "is a request", func(b []byte) []byte { b[2] |= 0x80; return b }},
		{"another beginning", "beginning", func(b []byte) []byte { b[20] ^= 1; return b }},
		{"a longer body", "beginning", func(b []byte) []byte {
			binary.BigEndian.PutUint32(b[12:], uint32(len(b)-headerBytes+1))
			return append(b, 'N')
		}},
		{"a wrong magic", "magic", func(b []byte) []byte { b[0] = 0; return b }},
		{"a body over the limit", "over the limit", func(b []byte) []byte { binary.BigEndian.PutUint32(b[12:], 1<<30); return b }},
		{"a cut connection", "closed the connection", func([]byte) []byte { return nil }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := NewCase("echo")
			if err != nil {
				t.Fatal(err)
			}
			address := provider(t, c, func(n int, b []byte) []byte {
				if n == 10 {
					return test.spoil(b)
				}
				return b
			})
			_, err = Run(t.Context(), plan(address, "echo"))
			if err == nil || !strings.Contains(err.Error(), test.fault) {
				t.Errorf("error %v does not say %q", err, test.fault)
			}
		})
	}
}

func TestRunDecodesSomeRepliesInFull(t *testing.T) {
	t.Parallel()
	c, err := NewCase("users100")
	if err != nil {
		t.Fatal(err)
	}
	address := provider(t, c, func(n int, b []byte) []byte {
		if n == 10 {
			for i := 5000; b[i] != '@'; i++ { // the sign in some user's e-mail address, behind what is compared of every reply
				if b[i+1] == '@' {
					b[i+1] = '#'
					break
				}
			}
		}
		return b
	})
	p := plan(address, "users100")
	p.CheckEvery = 1
	if _, err := Run(t.Context(), p); err == nil || !strings.Contains(err.Error(), "user") {
		t.Errorf("error %v does not name the user that is wrong", err)
	}
}

func TestRunStopsWithItsContext(t *testing.T) {
	t.Parallel()
	c, err := NewCase("echo")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	p := plan(provider(t, c, func(_ int, b []byte) []byte { return b }), "echo")
	p.Measure = time.Minute
	start := time.Now()
	if _, err := Run(ctx, p); err == nil {
		t.Error("no error")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestPlanReportsEveryFault(t *testing.T) {
	t.Parallel()
	err := Plan{Address: "192.0.2.1:20880", Connections: 3, Plan: measure.Plan{InFlight: 0}}.Validate()
	for _, want := range []string{"loopback", "in flight are not in", "measuring", "checked"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}
