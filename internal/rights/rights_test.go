//go:build unix

package rights

import (
	"bytes"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func unixPair(t *testing.T) (near, far *net.UnixConn) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	near, err = net.DialUnix("unix", nil, l.Addr().(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	far, err = l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	return near, far
}

func tcpPair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if near, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	return near, far
}

func TestDescriptorsGoWithAFrameAndOutliveTheirSender(t *testing.T) {
	t.Parallel()
	near, far := unixPair(t)
	const n = Max
	var mine, peers []net.Conn
	for range n {
		a, b := tcpPair(t)
		mine, peers = append(mine, a), append(peers, b)
	}
	frame := bytes.Repeat([]byte("x"), 512<<10)
	sent := make(chan error, 1)
	go func() {
		sent <- Send(near, frame, mine)
		for _, c := range mine {
			_ = c.Close()
		}
	}()
	rr := NewReader(far)
	defer rr.Close()
	got := make([]byte, len(frame))
	if _, err := io.ReadFull(rr, got); err != nil || !bytes.Equal(got, frame) {
		t.Fatalf("read %v", err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	conns, err := rr.Conns(n)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range conns {
		if _, err := c.Write([]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		var got [1]byte
		if _, err := io.ReadFull(peers[i], got[:]); err != nil || got[0] != byte(i) {
			t.Fatalf("descriptor %d: %v, %v", i, got, err)
		}
		_ = c.Close()
	}
}

func TestDescriptorsThatNobodyWasToldOfAreClosed(t *testing.T) {
	t.Parallel()
	near, far := unixPair(t)
	a, b := tcpPair(t)
	if err := Send(near, []byte("x"), []net.Conn{a}); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	rr := NewReader(far)
	if _, err := rr.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if _, err := rr.Conns(2); err == nil {
		t.Error("one came, two were had")
	}
	_ = b.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection is still open somewhere: %v", err)
	}
}
