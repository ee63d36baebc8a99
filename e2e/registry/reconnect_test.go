//go:build !race

// What reconnects is nacos-sdk-go, and in v2.3.2 it does so with data races of its own: RpcClient.currentConnection and
// Connection.abandon are written without a lock. So these tests run without the race detector.

package registry_test

import (
	"net"
	"strconv"
	"sync"
	"testing"
	"time"
)

// wire carries the server's two ports, and can be cut or made to swallow what it carries.
type wire struct {
	t      *testing.T
	target string

	mu      sync.Mutex
	conns   map[net.Conn]bool
	cut     bool
	swallow bool
	base    int
}

func newWire(t *testing.T, target string) *wire {
	t.Helper()
	w := &wire{t: t, target: target, conns: map[net.Conn]bool{}}
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	for w.base = 38848; ; w.base++ {
		http, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(w.base)))
		if err != nil {
			continue
		}
		grpc, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(w.base+1000)))
		if err != nil {
			http.Close()
			continue
		}
		var wg sync.WaitGroup
		wg.Go(func() { w.serve(http, target) })
		wg.Go(func() { w.serve(grpc, net.JoinHostPort(host, strconv.Itoa(n+1000))) })
		t.Cleanup(func() { http.Close(); grpc.Close(); w.set(true, false); wg.Wait() })
		return w
	}
}

func (w *wire) serve(l net.Listener, target string) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		s, err := net.Dial("tcp", target)
		if err != nil {
			c.Close()
			continue
		}
		w.mu.Lock()
		if w.cut {
			c.Close()
			s.Close()
		} else {
			w.conns[c], w.conns[s] = true, true
		}
		w.mu.Unlock()
		wg.Go(func() { w.carry(c, s) })
		wg.Go(func() { w.carry(s, c) })
	}
}

func (w *wire) carry(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		w.mu.Lock()
		swallow := w.swallow
		w.mu.Unlock()
		if swallow {
			n = 0
		}
		if _, e := to.Write(b[:n]); e != nil || err != nil {
			return
		}
	}
}

// set cuts what is connected and refuses what comes, or swallows every byte. What was swallowed from is broken afterwards.
func (w *wire) set(cut, swallow bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if cut || w.swallow && !swallow {
		for c := range w.conns {
			c.Close()
		}
		clear(w.conns)
	}
	w.cut, w.swallow = cut, swallow
}

func TestARegistrationIsBackAfterTheNetworkIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		cut, swallow bool
		down         time.Duration
	}{
		{"connections cut and refused", true, false, 5 * time.Second},
		{"every byte swallowed", false, true, 25 * time.Second}, // longer than the server waits
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWire(t, address(t))
			through := config(t)
			through.Addresses = []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(w.base))}
			r, direct := mustOpen(t, through), mustOpen(t, config(t))
			app := unique("cut")
			if _, err := r.Register(t.Context(), registration(app, "org.example.Cut")); err != nil {
				t.Fatal(err)
			}
			instances(t, direct, app, 1, 10*time.Second)
			w.set(c.cut, c.swallow)
			start := time.Now()
			instances(t, direct, app, 0, 40*time.Second)
			t.Logf("gone after %s", time.Since(start).Round(time.Millisecond))
			time.Sleep(max(0, c.down-time.Since(start)))
			w.set(false, false)
			start = time.Now()
			instances(t, direct, app, 1, 30*time.Second)
			t.Logf("back after %s", time.Since(start).Round(time.Millisecond))
		})
	}
}
