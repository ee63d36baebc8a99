package getty

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	getty "github.com/apache/dubbo-getty"
)

// patience bounds how long Close waits for the library.
const patience = time.Second

// Listen listens on a TCP address, "host:port" as net.Listen takes it.
func Listen(address string) (net.Listener, error) {
	return listen("listen getty "+address, false, func() getty.Server {
		return getty.NewTCPServer(getty.WithLocalAddress(address), getty.WithServerTaskPool(noTasks()))
	})
}

// ListenWebSocket listens on a TCP address for WebSocket clients of one path, "/dubbo".
func ListenWebSocket(address, path string) (net.Listener, error) {
	if path == "" || path[0] != '/' {
		return nil, fmt.Errorf("listen getty %s: path %q does not begin with /", address, path)
	}
	return listen("listen getty ws://"+address+path, true, func() getty.Server {
		return getty.NewWSServer(getty.WithLocalAddress(address), getty.WithWebsocketServerPath(path), getty.WithServerTaskPool(noTasks()))
	})
}

// listener is a getty server as a net.Listener.
type listener struct {
	server    getty.Server
	webSocket bool
	addr      net.Addr
	streams   chan *stream

	once     sync.Once
	done     chan struct{} // closed when Close begins
	parked   chan struct{} // told when the library's accept loop has been caught
	released chan struct{} // closed when the library knows that it is closed
}

func listen(op string, webSocket bool, server func() getty.Server) (nl net.Listener, err error) {
	l := &listener{webSocket: webSocket, streams: make(chan *stream), done: make(chan struct{}),
		parked: make(chan struct{}, 1), released: make(chan struct{})}
	defer func() {
		// The library panics where it can't listen.
		if v := recover(); v != nil {
			nl, err = nil, fmt.Errorf("%s: %v", op, v)
		}
	}()
	l.server = server()
	l.server.RunEventLoop(l.accept)
	stream, ok := l.server.(getty.StreamServer)
	if !ok {
		return nil, fmt.Errorf("%s: %T has no listener", op, l.server)
	}
	l.addr = stream.Listener().Addr()
	return l, nil
}

// accept takes a session; the library calls it from its accept loop, or from an HTTP handler.
func (l *listener) accept(session getty.Session) error {
	select {
	case <-l.done:
		select {
		case l.parked <- struct{}{}:
		default:
		}
		if !l.webSocket {
			<-l.released
		}
		return net.ErrClosed
	default:
	}
	var m *messages
	if l.webSocket {
		m = &messages{}
	}
	attach(session, m, func(s *stream) error {
		select {
		case l.streams <- s:
			return nil
		case <-l.done:
			return net.ErrClosed
		}
	}, func() {})
	return nil
}

// Accept gives the next connection.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case s := <-l.streams:
		return s, nil
	case <-l.done:
		return nil, &net.OpError{Op: "accept", Net: "getty", Addr: l.addr, Err: net.ErrClosed}
	}
}

// Addr is the address that is listened on.
func (l *listener) Addr() net.Addr { return l.addr }

// Close stops listening. Connections that were accepted live on. It waits for the library's accept loop.
func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.done)
		if !l.webSocket {
			l.catch()
		}
		var closing sync.WaitGroup
		closing.Go(l.server.Close)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for !l.server.IsClosed() {
			<-tick.C
		}
		close(l.released)
		closing.Wait()
	})
	return nil
}

// catch makes the library's accept loop call accept, which holds it until the library knows that it is closed: its Close
// would otherwise take the listener away under the loop's feet, which ends in a nil pointer if it is just about to use it.
func (l *listener) catch() {
	nc, err := net.DialTimeout("tcp", l.addr.String(), patience) //nolint:noctx // Close has no context
	if err != nil {
		return // it isn't reachable from here; then the loop is most likely waiting in Accept, where it is safe
	}
	defer nc.Close()
	select {
	case <-l.parked:
	case <-time.After(patience):
	}
}

var errTimeout = errors.New("no connection in time; the library does not say why")
