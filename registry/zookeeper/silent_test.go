package zookeeper

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// silent is as much of a ZooKeeper server as the tests need, whose answers can be held back.
type silent struct {
	l    net.Listener
	wg   sync.WaitGroup
	mu   sync.Mutex
	conn net.Conn
	free chan struct{} // answers wait until it is closed
	kids []string      // of /services/shop
	made map[string]bool

	late  time.Duration                                      // each answer comes so long after its question, however many there are
	fails func(op int32, path string) (code int32, cut bool) // nil: nothing does
}

func newSilent(t *testing.T) (*silent, *center) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &silent{l: l, free: make(chan struct{}), made: map[string]bool{}}
	close(f.free)
	f.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.wg.Go(func() { f.serve(c) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); f.wg.Wait() })
	s, err := read("zookeeper", registry.Config{Addresses: []string{l.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := newCenter(t.Context(), s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	c.most = 300 * time.Millisecond
	return f, c
}

// hold keeps answers back until release is called.
func (f *silent) hold() (release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	free := make(chan struct{})
	f.free = free
	return sync.OnceFunc(func() { close(free) })
}

func (f *silent) list(from, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kids = nil
	for i := range n {
		f.kids = append(f.kids, fmt.Sprintf("10.%d.%d.%d:20880", from, i/256, i%256))
	}
}

// event tells of a change of /services/shop's children.
func (f *silent) event() {
	const childrenChanged, connected = 4, 3
	b := binary.BigEndian.AppendUint32(nil, 0xffffffff)
	b = binary.BigEndian.AppendUint64(b, 0xffffffffffffffff)
	for _, n := range []uint32{0, childrenChanged, connected} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	write(f.conn, text(b, "/services/shop"))
}

func text(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

func write(c net.Conn, b []byte) { _, _ = c.Write(text(nil, string(b))) }

func packet(c net.Conn) []byte {
	var n [4]byte
	if _, err := io.ReadFull(c, n[:]); err != nil {
		return nil
	}
	b := make([]byte, binary.BigEndian.Uint32(n[:]))
	if _, err := io.ReadFull(c, b); err != nil {
		return nil
	}
	return b
}

func (f *silent) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	if packet(c) == nil {
		return
	}
	f.mu.Lock()
	f.conn = c
	f.mu.Unlock()
	hello := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 0), 30000)
	write(c, append(text(binary.BigEndian.AppendUint64(hello, 77), strings.Repeat("p", 16)), 0))
	type answer struct {
		at   time.Time
		text []byte
	}
	answers := make(chan answer, 1000)
	defer close(answers)
	f.wg.Go(func() {
		for a := range answers {
			time.Sleep(time.Until(a.at))
			write(c, a.text)
		}
	})
	for b := packet(c); b != nil; b = packet(c) {
		f.mu.Lock()
		free := f.free
		f.mu.Unlock()
		<-free
		op := int32(binary.BigEndian.Uint32(b[4:]))
		body, code := f.answer(op, b[8:])
		if code == cutOff {
			return
		}
		head := binary.BigEndian.AppendUint32(nil, binary.BigEndian.Uint32(b))
		head = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(head, 1), uint32(code))
		f.mu.Lock()
		late := f.late
		f.mu.Unlock()
		if late > 0 {
			answers <- answer{time.Now().Add(late), append(head, body...)}
			continue
		}
		write(c, append(head, body...))
		if op == -11 { // close
			return
		}
	}
}

// cutOff is in place of an answer's code where the connection is cut instead.
const cutOff = -1

func (f *silent) answer(op int32, b []byte) (body []byte, code int32) {
	const create, remove, exists, get, ping, children, noNode = 1, 2, 3, 4, 11, 12, -101
	var path string
	if op == create || op == remove || op == exists || op == get || op == children {
		path = string(b[4 : 4+binary.BigEndian.Uint32(b)])
	}
	stat := make([]byte, 68)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails != nil {
		if code, cut := f.fails(op, path); cut {
			return nil, cutOff
		} else if code != 0 {
			return nil, code
		}
	}
	switch {
	case op == children && path == "/services/shop":
		body = binary.BigEndian.AppendUint32(nil, uint32(len(f.kids)))
		for _, k := range f.kids {
			body = text(body, k)
		}
		return append(body, stat...), 0
	case op == get && strings.HasPrefix(path, "/services/shop/"):
		return append(text(nil, fmt.Sprintf(`{"name":"shop","address":"10.0.0.1","port":%d}`, 1+len(path))), stat...), 0
	case op == create:
		f.made[path] = true
		return text(nil, path), 0
	case op == remove:
		delete(f.made, path)
		return nil, 0
	case op == ping || op < 0:
		return nil, 0
	}
	return nil, noNode
}

// follow watches the instances of shop, and gives how many there are.
func (f *silent) follow(t *testing.T, c *center) <-chan int {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	got, done := make(chan int, 100), make(chan struct{})
	go func() {
		defer close(done)
		defer close(got)
		if err := c.WatchInstances(ctx, registry.Name{App: "shop"}, func(all []registry.Instance) { got <- len(all) }); err != nil {
			t.Errorf("the watch ended: %v", err)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return got
}

// TestALookThatIsGivenUpDisturbsNoOther has a server that answers nothing for longer than a look takes.
func TestALookThatIsGivenUpDisturbsNoOther(t *testing.T) {
	t.Parallel()
	f, c := newSilent(t)
	f.list(1, 200)
	got := f.follow(t, c)
	if n := <-got; n != 200 {
		t.Errorf("%d instances at first", n)
	}
	release := f.hold()
	f.event()
	time.Sleep(4 * c.most)
	f.list(2, 400)
	release()
	for n := range got {
		if n == 400 {
			break
		}
	}
}

// TestManyInstancesAreFoundFarFromTheServer: one after another they would take longer than a look may.
func TestManyInstancesAreFoundFarFromTheServer(t *testing.T) {
	t.Parallel()
	f, c := newSilent(t)
	c.most = 2 * time.Second
	f.mu.Lock()
	f.late = 20 * time.Millisecond
	f.mu.Unlock()
	f.list(1, 500)
	if n := <-f.follow(t, c); n != 500 {
		t.Errorf("%d instances", n)
	}
}

// TestLooksSetNoWatchTwice: the client library keeps every watch that is set until the server tells of it.
func TestLooksSetNoWatchTwice(t *testing.T) {
	t.Parallel()
	f, c := newSilent(t)
	f.list(1, 100)
	got := f.follow(t, c)
	<-got
	for range 20 { // as every minute
		c.mu.Lock()
		for w := range c.watches {
			w.mark("")
		}
		c.mu.Unlock()
		time.Sleep(20 * time.Millisecond)
	}
	f.list(2, 101)
	f.event() // what was watched before is watched again
	if n := <-got; n != 101 {
		t.Errorf("%d instances after an event", n)
	}
	f.list(3, 102)
	f.event()
	if n := <-got; n != 102 {
		t.Errorf("%d instances after another", n)
	}
	kept := 0
	for m := reflect.ValueOf(c.conn).Elem().FieldByName("watchers").MapRange(); m.Next(); {
		kept += m.Value().Len()
	}
	if kept < 103 || kept > 310 { // the nodes of three lists, and that above them
		t.Errorf("the library keeps %d watches for 103 nodes", kept)
	}
}

// TestEndKeepsItsTime ends a registration while the server is silent in the middle of restoring it.
func TestEndKeepsItsTime(t *testing.T) {
	t.Parallel()
	f, c := newSilent(t)
	r := registry.Registration{Instance: registry.Instance{App: "greet", Host: "10.0.0.1", Port: 20880}, Metadata: registry.Metadata{App: "greet"}, Levels: registry.AppInstance}
	l, err := c.Register(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	release := f.hold()
	c.signal()
	time.Sleep(50 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := l.End(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 5*time.Second {
		t.Errorf("End took %v: %v", time.Since(begin), err)
	}
	if err := l.Update(t.Context(), r); !errors.Is(err, registry.ErrClosed) {
		t.Errorf("Update after End: %v", err)
	}
	release()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		f.mu.Lock()
		left := f.made["/services/greet/10.0.0.1:20880"]
		f.mu.Unlock()
		if !left {
			break
		}
		if time.Now().After(end) {
			t.Fatal("what was being restored is left behind")
		}
	}
}

// TestALookThatFailsTheSameWayIsToldOnce: it is tried again for as long as it takes.
func TestALookThatFailsTheSameWayIsToldOnce(t *testing.T) {
	t.Parallel()
	f, c := newSilent(t)
	var log bytes.Buffer // written by the watch alone
	c.mu.Lock()
	c.log = slog.New(slog.NewTextHandler(&log, nil))
	c.mu.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	told, done := make(chan string, 10), make(chan error, 1)
	go func() { done <- c.WatchRule(ctx, "dubbo", "shop.tag-router", func(content string) { told <- content }) }()
	<-told
	f.fault(func(int32, string) (int32, bool) { return -102, false })
	c.mu.Lock()
	for w := range c.watches {
		w.mark("")
	}
	c.mu.Unlock()
	time.Sleep(2 * time.Second)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := strings.Count(log.String(), "a look failed"); n != 1 {
		t.Errorf("%d lines of log:\n%s", n, &log)
	}
}
