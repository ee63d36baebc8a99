package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/certtest"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
)

// where is what the providers say of themselves.
type where struct {
	Plain []string `json:"plain"`
	TLS   []string `json:"tls"`
	CA    string   `json:"ca"`
}

// provide serves one method at count addresses over TCP, and at as many over TLS.
func provide(ctx context.Context, _ time.Time, args []string) (err error) {
	f := flag.NewFlagSet("providers", flag.ExitOnError)
	count := f.Int("count", 32, "addresses of each kind")
	delay := f.Duration("delay", 0, "of what is sent, either way")
	registry := f.String("registry", "", "where they are registered")
	if err := f.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "warm")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	w, server, err := certificates(dir)
	if err != nil {
		return err
	}
	set, err := fn.NewSet("bench", fn.NewService(iface, fn.Method("echo", func(_ context.Context, text string) (string, error) { return text, nil })))
	if err != nil {
		return err
	}
	s := dubbo.NewServer(set, dubbo.ServerConfig{Types: set.Types()})
	ctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	for n := range 2 * *count {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		address := l.Addr().String()
		if *delay > 0 {
			l = &slowListener{l, *delay}
		}
		if n < *count {
			w.Plain = append(w.Plain, address)
		} else {
			w.TLS = append(w.TLS, address)
			l = tls.NewListener(l, server)
		}
		wg.Go(func() { _ = s.Serve(ctx, l) }) // the consumers would tell
	}
	for app, of := range map[string][]string{appPlain: w.Plain, appTLS: w.TLS} {
		params := map[string]string{}
		if app == appTLS {
			params["ssl-enabled"] = "true"
		}
		end, err := register(ctx, *registry, app, of, params)
		defer func() { _ = end() }() // this process ends with it
		if err != nil {
			return err
		}
	}
	if err := say(w); err != nil {
		return err
	}
	for line := range lines(ctx) {
		return fmt.Errorf("%q: the providers are told nothing", line)
	}
	return nil
}

// certificates makes an authority and what the providers show.
func certificates(dir string) (w where, server *tls.Config, err error) {
	ca, err := certtest.New(dir, "ca")
	if err != nil {
		return w, nil, err
	}
	cert, key, err := ca.Issue("provider", "127.0.0.1", 2, time.Now().Add(24*time.Hour))
	if err != nil {
		return w, nil, err
	}
	t, err := auth.NewTLS(auth.TLSConfig{CertFile: cert, KeyFile: key})
	if err != nil {
		return w, nil, err
	}
	server, err = t.Server()
	return where{CA: ca.File}, server, err
}

// slowListener gives connections on which everything takes a while, either way. That they are made takes none.
type slowListener struct {
	net.Listener
	delay time.Duration
}

func (l *slowListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	s := &slowConn{Conn: c, delay: l.delay, in: make(chan parcel, 1024), out: make(chan parcel, 1024), done: make(chan struct{})}
	go s.receive()
	go s.deliver()
	return s, nil
}

// parcel is bytes on their way.
type parcel struct {
	bytes []byte
	due   time.Time
	err   error
}

type slowConn struct {
	net.Conn
	delay   time.Duration
	in, out chan parcel
	rest    []byte
	once    sync.Once
	done    chan struct{}
}

func (c *slowConn) receive() {
	for {
		b := make([]byte, 64<<10)
		n, err := c.Conn.Read(b)
		select {
		case c.in <- parcel{b[:n], time.Now().Add(c.delay), err}:
		case <-c.done:
			return
		}
		if err != nil {
			return
		}
	}
}

func (c *slowConn) deliver() {
	for {
		select {
		case p := <-c.out:
			time.Sleep(time.Until(p.due))
			if _, err := c.Conn.Write(p.bytes); err != nil {
				return
			}
		case <-c.done:
			return
		}
	}
}

func (c *slowConn) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		select {
		case next := <-c.in:
			time.Sleep(time.Until(next.due))
			c.rest = next.bytes
			if next.err != nil && len(next.bytes) == 0 {
				return 0, next.err
			}
		case <-c.done:
			return 0, net.ErrClosed
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *slowConn) Write(p []byte) (int, error) {
	select {
	case c.out <- parcel{append([]byte(nil), p...), time.Now().Add(c.delay), nil}:
		return len(p), nil
	case <-c.done:
		return 0, net.ErrClosed
	}
}

func (c *slowConn) Close() error {
	c.once.Do(func() { close(c.done) })
	return c.Conn.Close()
}
