package main

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

const (
	askAfter = 500 * time.Millisecond // without an answer
	askFor   = time.Second
	dubboAt  = 20880
)

// notDubbo waits for a while and gives an error where it turns out that an HTTP server is at one of a URL's addresses; nil when ctx ends. An HTTP server that is sent a request of Dubbo's may wait for the end of a line
// for as long as the caller waits for an answer.
func notDubbo(ctx context.Context, u invoker.URL, after time.Duration) error {
	t := time.NewTimer(after)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
		return nil
	}
	for _, address := range u.Addresses(dubboAt) {
		if speaksHTTP(ctx, address) {
			return &invoker.Error{Code: invoker.CodeUnavailable, Op: "call " + address, Err: errors.New("an HTTP server answers there: want the port that speaks Dubbo (20880 by default)")}
		}
	}
	return nil
}

// speaksHTTP asks in a connection of its own, as a client of HTTP/2 begins: a server of that answers with a SETTINGS frame, one of HTTP/1 with "HTTP/" and why not.
func speaksHTTP(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	if _, err := io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"); err != nil {
		return false
	}
	var b [9]byte
	n, _ := io.ReadFull(c, b[:]) // what came says enough
	const settings = 4
	return strings.HasPrefix(string(b[:n]), "HTTP/") || n == len(b) && b[0] == 0 && b[3] == settings && b[5]|b[6]|b[7]|b[8] == 0
}
