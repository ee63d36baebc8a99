package client_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
)

const tenMB = 10 << 20

// liar is a provider that answers as no provider should. What it does the method's name says.
type liar struct {
	tb    testing.TB
	l     net.Listener
	conns atomic.Int64
	wg    sync.WaitGroup

	silent atomic.Bool  // it answers nothing good
	good   atomic.Int64 // good answers
	hung   sync.Mutex   // while it is held, nothing that comes is read
}

func newLiar(tb testing.TB) *liar {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &liar{tb: tb, l: l}
	p.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.conns.Add(1)
			p.wg.Go(func() { p.serve(c) })
		}
	})
	tb.Cleanup(func() { _ = l.Close(); p.wg.Wait() })
	return p
}

func (p *liar) port() int {
	a, _ := p.l.Addr().(*net.TCPAddr)
	return a.Port
}

// frame is a response with a result: the text ok, or what else is given in Hessian.
func frame(id uint64, status byte, body []byte) []byte {
	f := append([]byte{0xda, 0xbb, 2, status}, binary.BigEndian.AppendUint64(nil, id)...)
	return append(binary.BigEndian.AppendUint32(f, uint32(len(body))), body...)
}

func fine(id uint64) []byte { return frame(id, 20, []byte("\x91\x02ok")) }

func (p *liar) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	var mu sync.Mutex
	write := func(b []byte) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = c.Write(b)
	}
	for {
		var head [16]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			return
		}
		id := binary.BigEndian.Uint64(head[4:])
		body := make([]byte, binary.BigEndian.Uint32(head[12:]))
		if _, err := io.ReadFull(c, body); err != nil {
			return
		}
		p.hung.Lock()
		p.hung.Unlock()        //nolint:staticcheck // it only waits
		if head[2]&0x20 != 0 { // an event
			if head[2]&0xc0 == 0xc0 { // a heartbeat that wants an answer
				beat := frame(id, 20, []byte{'N'})
				beat[2] |= 0x20
				write(beat)
			}
			continue
		}
		var d hessian.Decoder
		d.Reset(hessian.NewTypes(), body, hessian.Limits{})
		var method string
		for range 4 { // Dubbo's version, the service, its version, the method
			method, _ = d.String()
		}
		switch method {
		case "good":
			if !p.silent.Load() {
				p.good.Add(1)
				write(fine(id))
			}
		case "never":
		case "half":
			whole := fine(id)
			write(whole[:len(whole)-2])
			return
		case "twice":
			write(append(fine(id), fine(id)...))
		case "stranger":
			write(append(fine(id+1<<40), fine(id)...))
		case "late":
			p.wg.Go(func() {
				time.Sleep(time.Second)
				write(fine(id))
			})
		case "bigAttachments", "getMetadataInfo": // 94: a value, with attachments
			write(frame(id, 20, append(append([]byte("\x94\x02ok"), "H\x01kS"...), make([]byte, tenMB)...)))
		case "bigReason":
			write(frame(id, 70, make([]byte, tenMB)))
		case "absurd":
			f := frame(id, 20, nil)
			binary.BigEndian.PutUint32(f[12:], 0xfffffff0)
			write(f)
		case "garbage":
			write(frame(id, 20, []byte{0x91, 'M', 't', 0xff, 0xff}))
		default:
			p.tb.Errorf("the method %q is not one of the liar's", method)
		}
	}
}

// TestProvidersThatAnswerLateHalfTwiceOrNever makes such calls beside honest ones, on the one connection that there is.
func TestProvidersThatAnswerLateHalfTwiceOrNever(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		method string
		code   invoker.Code // 0 with ok
		ok     bool
		words  string
		cut    bool // the connection does not live on
	}{
		{method: "never", code: invoker.CodeTimeout, words: "deadline"},
		{method: "late", code: invoker.CodeTimeout, words: "deadline"},
		{method: "twice", ok: true},
		{method: "stranger", ok: true},
		{method: "half", code: invoker.CodeUnavailable, cut: true},
		{method: "absurd", code: invoker.CodeBadResponse, words: "4294967280 bytes (limit 8388608)", cut: true},
		{method: "bigAttachments", code: invoker.CodeBadResponse, words: "bytes (limit 8388608)"},
		{method: "bigReason", code: invoker.CodeBadResponse, words: "bytes (limit 8388608)"},
		{method: "garbage", code: invoker.CodeBadResponse, words: "read response"},
	} {
		t.Run(tt.method, func(t *testing.T) {
			t.Parallel()
			p := newLiar(t)
			s := refer(t, newClient(t, t.TempDir()), client.URL("dubbo://"+p.l.Addr().String()), client.Idempotent("good"), client.Retries(5), client.Timeout(5*time.Second))
			stop, honest := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			var calls atomic.Int64
			for range 4 {
				wg.Go(func() {
					for stop.Err() == nil {
						var got string
						begin := time.Now()
						if err := s.Call(t.Context(), "good", &got); err != nil || got != "ok" {
							t.Errorf("an honest call beside it: %q, %v, after %v", got, err, time.Since(begin))
							return
						}
						calls.Add(1)
					}
				})
			}
			defer func() { honest(); wg.Wait() }()
			eventually(t, "honest calls are on their way", func() bool { return calls.Load() > 100 })
			for range 5 {
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				if tt.code == invoker.CodeTimeout {
					cancel()
					ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
				}
				var got string
				err := s.Call(ctx, tt.method, &got)
				cancel()
				var e *invoker.Error
				switch {
				case tt.ok:
					if err != nil || got != "ok" {
						t.Errorf("got %q, %v", got, err)
					}
				case !errors.As(err, &e) || e.Code != tt.code || !e.MaybeExecuted || !strings.Contains(err.Error(), tt.words) || !strings.Contains(err.Error(), p.l.Addr().String()):
					t.Errorf("got %v; want %v with %q and the address, which may have run", err, tt.code, tt.words)
				}
			}
			before := calls.Load()
			eventually(t, "honest calls go on", func() bool { return calls.Load() > before+100 })
			if n := p.conns.Load(); n != 1 && !tt.cut {
				t.Errorf("%d connections were made, want the one to live on", n)
			}
		})
	}
}

// TestMetadataOf10MBHidesNobodyElse puts a provider that hands over 10 MB as its metadata beside an honest one.
func TestMetadataOf10MBHidesNobodyElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	p := newLiar(t)
	r, err := registry.Embedded.Open(t.Context(), registry.Config{Scheme: "embedded", Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	lie := registry.Registration{
		Instance: registry.Instance{App: "liar", Host: "127.0.0.1", Port: p.port()}, Storage: registry.Local3, Levels: registry.AppLevel &^ registry.AppMetadata,
		Metadata: registry.Metadata{App: "liar", Services: []registry.Service{{Name: users, Protocol: "dubbo"}}},
	}
	if _, err := r.Register(t.Context(), lie); err != nil {
		t.Fatal(err)
	}
	s := refer(t, newClient(t, dir))
	err = s.Call(t.Context(), "nothing", nil)
	if code, _ := invoker.CodeOf(err); code != invoker.CodeUnavailable || !strings.Contains(err.Error(), "bytes (limit 8388608)") {
		t.Errorf("with the liar alone: %v, want to hear of its metadata", err)
	}
	start(t, dir, "users", service())
	eventually(t, "the honest one is found", func() bool { return s.Call(t.Context(), "nothing", nil) == nil })
	for range 50 {
		if err := s.Call(t.Context(), "nothing", nil); err != nil {
			t.Fatal(err)
		}
	}
}
