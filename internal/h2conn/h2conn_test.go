package h2conn_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/internal/h2conn"
)

func TestWritesArriveWholeAndInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		c := h2conn.New(near)
		const writers, each = 8, 500
		var all sync.WaitGroup
		for w := range uint32(writers) {
			all.Go(func() {
				for i := range uint32(each) {
					p := binary.BigEndian.AppendUint32(nil, w)
					p = binary.BigEndian.AppendUint32(p, i)
					if n, err := c.Write(append(p, bytes.Repeat([]byte{'x'}, 1000)...)); n != 1008 || err != nil {
						t.Errorf("wrote %d, %v", n, err)
					}
				}
			})
		}
		next := [writers]uint32{}
		room := make([]byte, 1008)
		for range writers * each {
			if _, err := io.ReadFull(far, room); err != nil {
				t.Fatal(err)
			}
			w, i := binary.BigEndian.Uint32(room), binary.BigEndian.Uint32(room[4:])
			if i != next[w] {
				t.Fatalf("writer %d: write %d came, want %d", w, i, next[w])
			}
			next[w]++
		}
		all.Wait()
		_ = c.Close()
		_ = c.Close()
		if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a write after the end: %v", err)
		}
	})
}

func TestWritesWaitForAPeerThatReadsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		c := h2conn.New(near)
		written := 0
		failed := make(chan error, 1)
		go func() {
			for {
				if _, err := c.Write(make([]byte, 64<<10)); err != nil {
					failed <- err
					return
				}
				written += 64 << 10
			}
		}()
		time.Sleep(time.Second)
		synctest.Wait()
		if written > 2*512<<10+64<<10 {
			t.Errorf("%d bytes were taken of which none was read", written)
		}
		_ = far.Close()
		if err := <-failed; err == nil {
			t.Error("no error")
		}
		_ = c.Close()
	})
}

func TestCloseLetsTheLastBatchOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		c := h2conn.New(near)
		for range 10 {
			if _, err := c.Write(make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
		}
		read := make(chan int)
		go func() {
			b, _ := io.ReadAll(far)
			read <- len(b)
		}()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if n := <-read; n != 10_000 {
			t.Errorf("%d bytes arrived, want 10000", n)
		}
	})
}

func TestCloseWaitsBrieflyForAPeerThatReadsNothing(t *testing.T) {
	t.Parallel()
	for pause, most := range map[time.Duration]time.Duration{0: 250 * time.Millisecond, time.Minute: 0} {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			defer far.Close()
			c := h2conn.New(near)
			if _, err := c.Write([]byte("never read")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(pause)
			synctest.Wait()
			begun := time.Now()
			_ = c.Close()
			if took := time.Since(begun); took > most {
				t.Errorf("closing took %v after %v", took, pause)
			}
		})
	}
}

// counted counts what reaches the connection.
type counted struct {
	net.Conn
	reads, writes, ends atomic.Int32
}

func (c *counted) Read(p []byte) (int, error)  { c.reads.Add(1); return c.Conn.Read(p) }
func (c *counted) Write(p []byte) (int, error) { c.writes.Add(1); return c.Conn.Write(p) }
func (c *counted) CloseWrite() error           { c.ends.Add(1); return nil }

func TestFramesAreReadTogether(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	below := &counted{Conn: near}
	c := h2conn.New(below)
	defer func() { _ = c.Close() }()
	go func() { _, _ = far.Write(make([]byte, 3000)) }()
	for range 10 {
		if _, err := io.ReadFull(c, make([]byte, 9)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 291)); err != nil {
			t.Fatal(err)
		}
	}
	if n := below.reads.Load(); n != 1 {
		t.Errorf("%d reads, want 1", n)
	}
	_ = far.Close()
	if _, err := c.Read(make([]byte, 9)); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func TestHTTP1PassesThrough(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	defer far.Close()
	below := &counted{Conn: near}
	c := h2conn.New(below)
	defer func() { _ = c.Close() }()
	go func() { _, _ = io.Copy(io.Discard, far) }()
	for i, p := range []string{"HTTP/1.1 200 OK\r\n\r\n", "body"} {
		if _, err := c.Write([]byte(p)); err != nil {
			t.Fatal(err)
		}
		if n := below.writes.Load(); n != int32(i)+1 {
			t.Errorf("%d writes came of %d", n, i+1)
		}
	}
	if err := c.CloseWrite(); err != nil || below.ends.Load() != 1 {
		t.Errorf("CloseWrite: %v, %d", err, below.ends.Load())
	}
	plain := h2conn.New(far)
	if err := plain.CloseWrite(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("of a connection that has no such thing: %v", err)
	}
}

// TestServerSpeaksBoth has net/http at both ends, many requests at once, bodies of all sizes.
func TestServerSpeaksBoth(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served http.Protocols
	served.SetHTTP1(true)
	served.SetUnencryptedHTTP2(true)
	s := &http.Server{Protocols: &served, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // the client compares
		_, _ = w.Write(body)
	})}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(h2conn.Listener(l)) }()
	for _, http2 := range []bool{false, true} {
		var protocols http.Protocols
		protocols.SetHTTP1(!http2)
		protocols.SetUnencryptedHTTP2(http2)
		client := &http.Transport{Protocols: &protocols}
		var all sync.WaitGroup
		for i := range 64 {
			all.Go(func() {
				for _, size := range []int{0, 1, 8, 9, 400, 4 << 10, 100 << 10} {
					if err := post(client, "http://"+l.Addr().String(), strings.Repeat(string(rune('a'+i%26)), size)); err != nil {
						t.Error(http2, size, err)
					}
				}
			})
		}
		all.Wait()
		client.CloseIdleConnections()
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

func post(client http.RoundTripper, url, body string) error {
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := client.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err == nil && string(got) != body {
		err = fmt.Errorf("%d bytes came back of %d, or others", len(got), len(body))
	}
	return err
}
