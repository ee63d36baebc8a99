package dubbo

import (
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func newIdlePair(tb testing.TB, cfg ConnConfig) (*Idle, *peer) {
	tb.Helper()
	near, far := net.Pipe()
	i := NewIdle(near, cfg)
	tb.Cleanup(func() {
		_ = far.Close()
		if err := i.Close(); err != nil {
			tb.Error(err)
		}
		_ = near.Close()
	})
	return i, &peer{tb, far}
}

func lent(i *Idle) net.Conn { return Lend(i)[0] }

func TestIdleIsLentAsIfNobodyHadReadFromIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, far := newIdlePair(t, ConnConfig{})
		other, _ := newIdlePair(t, ConnConfig{})
		given := Lend(i, other, i)
		if given[0] == nil || given[1] == nil || given[2] != nil {
			t.Fatalf("lent %v; want the first two, each once", given)
		}
		if lent(i) != nil {
			t.Error("it is lent again")
		}
		if err := i.Close(); err != nil {
			t.Error(err)
		}
		select {
		case <-i.Done():
			t.Error("it has ended, though it was given away")
		default:
		}
		c := NewConn(given[0], ConnConfig{})
		defer func() { _ = c.Close() }()
		done := start(c, invocation("get"))
		h, _ := far.read()
		far.write(response(t, h.id, withValue, "x"))
		if o := <-done; o.err != nil || o.res.Value != "x" {
			t.Errorf("got %+v", o)
		}
		_ = given[1].Close()
	})
}

func TestIdleAnswersAndSendsHeartbeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, far := newIdlePair(t, ConnConfig{})
		far.write(appendEvent(nil, flagRequest|flagTwoWay|serializationHess2, 0, 3, eventHeartbeat))
		if h, body := far.read(); h != (header{flagEvent | serializationHess2, statusOK, 3, 1}) || string(body) != "N" {
			t.Errorf("heartbeat answered with %+v %q", h, body)
		}
		for n := range 5 {
			h, body, err := far.next(2 * time.Minute)
			if err != nil || !h.event() || !h.request() || !h.twoWay() || string(body) != "N" || h.id < idleBeat {
				t.Fatalf("heartbeat %d: %+v %q, %v", n, h, body, err)
			}
			if lent(i) != nil {
				t.Fatal("it is lent while its heartbeat is not answered")
			}
			far.write(appendEvent(nil, serializationHess2, statusOK, h.id, eventHeartbeat))
		}
		synctest.Wait()
		c := lent(i)
		if c == nil {
			t.Fatal("it is not lent, though all is answered")
		}
		_ = c.Close()
	})
}

func TestIdleEnds(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		send []byte
		want error
	}{
		"READONLY":           {appendEvent(nil, flagRequest|serializationHess2, 0, 1, eventReadonly), errReadonly},
		"an answer":          {rawStatus(5, statusOK, "x"), errUnasked},
		"a request":          {appendHeader(nil, header{flags: flagRequest | serializationHess2}), errUnasked},
		"an oversized event": {appendHeader(nil, header{flags: flagRequest | flagEvent | serializationHess2, length: 1 << 30}), errUnasked},
		"no frame":           {[]byte("HTTP/1.1 400 Bad Request"), nil},
		"two wrong bytes":    {[]byte("HT"), nil},
		"nothing more":       {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i, far := newIdlePair(t, ConnConfig{})
			if x.send != nil {
				far.write(x.send)
			} else {
				_ = far.nc.Close()
			}
			<-i.Done()
			if err := i.Err(); err == nil || x.want != nil && !errors.Is(err, x.want) {
				t.Errorf("got %v, want %v", err, x.want)
			}
			if lent(i) != nil {
				t.Error("it is lent all the same")
			}
		})
	}
}

func TestIdleIsNotLentWhereHalfAnEventWasRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, far := newIdlePair(t, ConnConfig{})
		beat := appendEvent(nil, flagRequest|flagTwoWay|serializationHess2, 0, 3, eventHeartbeat)
		for n := range beat {
			far.write(beat[n : n+1])
			synctest.Wait()
			if n < len(beat)-1 && lent(i) != nil {
				t.Fatalf("it is lent after %d bytes of an event", n+1)
			}
		}
		far.read()
		synctest.Wait()
		c := lent(i)
		if c == nil {
			t.Fatal("it is not lent after a whole event")
		}
		_ = c.Close()
	})
}

func TestIdleNoticesSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, far := newIdlePair(t, ConnConfig{})
		begin := time.Now()
		go func() { _, _ = io.Copy(io.Discard, far.nc) }()
		<-i.Done()
		if took := time.Since(begin); took < 3*time.Minute || took > 3*time.Minute+10*time.Second {
			t.Errorf("a silent provider was noticed after %v, want three minutes", took)
		}
	})
}

func TestIdleEndsWhereNothingIsRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, _ := newIdlePair(t, ConnConfig{WriteTimeout: time.Second}) // a pipe: a heartbeat can't be written
		<-i.Done()
		if err := i.Err(); err == nil {
			t.Error("no reason")
		}
	})
}

// The answer to a keeper's last heartbeat comes to whoever has the connection by then.
func TestConnDropsTheAnswerToAHeartbeatThatItDidNotSend(t *testing.T) {
	t.Parallel()
	c, far := newConnPair(t, ConnConfig{})
	done := start(c, invocation("get"))
	h, _ := far.read()
	far.write(appendEvent(nil, serializationHess2, statusOK, idleBeat|h.id, eventHeartbeat))
	far.write(response(t, h.id, withValue, "right"))
	if o := <-done; o.err != nil || o.res.Value != "right" {
		t.Errorf("got %+v", o)
	}
}

// A provider that sends heartbeats and reads no answer holds up nobody who asks for it, and for others.
func TestAnIdleThatCantWriteIsNotWaitedForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, far := newIdlePair(t, ConnConfig{})
		other, _ := newIdlePair(t, ConnConfig{})
		far.write(appendEvent(nil, flagRequest|flagTwoWay|serializationHess2, 0, 3, eventHeartbeat))
		synctest.Wait()
		begin := time.Now()
		given := Lend(i, other)
		if given[0] != nil || given[1] == nil {
			t.Errorf("lent %v", given)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("it took %v", took)
		}
		_ = given[1].Close()
	})
}
