// Command limit is the bar: frames on a net.Conn, a goroutine for each request and one batching writer a connection, and
// nothing decoded. It knows a request by its length and answers with bytes that were encoded at start.
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"github.com/dubbofn/dubbofn/bench/load"
	"github.com/dubbofn/dubbofn/bench/service"
)

const (
	headerBytes     = 16
	maxRequestBytes = 2 << 20
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "limit:", err)
		os.Exit(1)
	}
}

func run() error {
	options, err := service.ParseOptions()
	if err != nil {
		return err
	}
	replies, err := encodeReplies()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", options.Address)
	if err != nil {
		return err
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn, replies)
		}
	}()
	return service.Wait(context.Background(), options)
}

// encodeReplies gives the reply for each length of a request.
func encodeReplies() (map[int][]byte, error) {
	replies := map[int][]byte{}
	for _, name := range load.Names() {
		c, err := load.NewCase(name)
		if err != nil {
			return nil, err
		}
		request, err := c.Request()
		if err != nil {
			return nil, err
		}
		if _, taken := replies[len(request)]; taken {
			return nil, fmt.Errorf("encode replies: two cases have requests of %d bytes", len(request))
		}
		if replies[len(request)], err = c.Reply(); err != nil {
			return nil, err
		}
	}
	return replies, nil
}

func serve(conn net.Conn, replies map[int][]byte) {
	w := &writer{conn: conn, wake: make(chan struct{}, 1)}
	go w.run()
	if err := read(conn, replies, w); err != nil && !errors.Is(err, io.EOF) {
		fmt.Fprintln(os.Stderr, "limit:", err)
	}
	w.close()
}

func read(conn net.Conn, replies map[int][]byte, w *writer) error {
	r := bufio.NewReaderSize(conn, 64<<10)
	for {
		head, err := r.Peek(headerBytes)
		if err != nil {
			return err
		}
		n := headerBytes + int(binary.BigEndian.Uint32(head[12:]))
		if n > maxRequestBytes {
			return fmt.Errorf("read request: %d bytes are over the limit of %d", n, maxRequestBytes)
		}
		request := make([]byte, n)
		if _, err := io.ReadFull(r, request); err != nil {
			return err
		}
		reply, ok := replies[n]
		if !ok {
			return fmt.Errorf("read request: no case has one of %d bytes", n)
		}
		go w.reply(reply, request[4:12])
	}
}

// writer collects the replies that are ready and writes them at once.
type writer struct {
	conn    net.Conn
	mu      sync.Mutex
	pending []byte
	closed  bool
	wake    chan struct{}
}

func (w *writer) reply(frame, id []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	at := len(w.pending)
	w.pending = append(w.pending, frame...)
	copy(w.pending[at+4:], id)
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *writer) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	close(w.wake)
}

func (w *writer) run() {
	defer w.conn.Close()
	var batch []byte
	for range w.wake {
		w.mu.Lock()
		batch, w.pending = w.pending, batch[:0]
		w.mu.Unlock()
		if _, err := w.conn.Write(batch); err != nil {
			return
		}
	}
}
