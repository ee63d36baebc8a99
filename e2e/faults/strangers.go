package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/internal/earlylane"
	"github.com/dubbofn/dubbofn/internal/keeperwire"
)

// gone has consumers leave while their calls wait for a function that starts.
func (b *bench) gone() {
	const leave = 100
	r := b.row("gone", fmt.Sprintf("%d consumers that leave while their calls are parked", leave))
	left := b.site.metric("a", "dubbofn_activator_left_total", "work-left")
	var wg sync.WaitGroup
	for i := range leave {
		wg.Go(func() {
			c, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(b.site.dubbo("a")))
			if !r.must(err) {
				return
			}
			_, err = c.Write(add("left", fmt.Sprintf("gone/%d", i)))
			r.must(err)
			time.Sleep(300 * time.Millisecond)
			r.must(c.Close())
		})
	}
	var calls []call
	for _, by := range b.consumers {
		wg.Go(func() {
			c := one(r.id, by, "left", "add", 1)
			r.mu.Lock()
			defer r.mu.Unlock()
			calls = append(calls, c)
		})
	}
	wg.Wait()
	r.judge(calls, nil)
	ran, err := b.site.executions()
	r.must(err)
	for i := range leave {
		if id := fmt.Sprintf("gone/%d", i); ran[id] != 0 {
			r.fault("%s ran: nobody waited for it", id)
		}
	}
	left = b.site.metric("a", "dubbofn_activator_left_total", "work-left") - left
	if left != leave {
		r.fault("%.0f calls of consumers that left were counted", left)
	}
	r.saw("%.0f calls dropped, those of %d others answered", left, len(calls))
}

// add is a call of WorkService.add as a frame of the Dubbo protocol.
func add(group, id string) []byte {
	var body []byte
	text := func(s ...string) {
		for _, s := range s { // shorter than 1024 characters each: Hessian's medium string
			body = append(append(body, byte(0x30+len(s)>>8), byte(len(s))), s...)
		}
	}
	text("2.0.2", work, "0.0.0", "add", "Ljava/lang/String;JI", id)
	body = binary.BigEndian.AppendUint64(append(body, 'L'), 2)
	body = binary.BigEndian.AppendUint32(append(body, 'I'), 0)
	body = append(body, 'H')
	text("path", work, "interface", work, "group", group)
	body = append(body, 'Z')
	head := []byte{0xda, 0xbb, 0x80 | 0x40 | 2, 0, 0, 0, 0, 0, 0, 0, 0, 1}
	return append(binary.BigEndian.AppendUint32(head, uint32(len(body))), body...)
}

// each is how many strangers of each kind there are.
const each = 20

// strangers knock at the early lanes, at the functions and at the keeper, while others call.
func (b *bench) strangers() {
	r := b.row("strangers", "strangers at the early lanes, the functions, the keeper")
	loads := b.loads(r.id)
	lanes, kept := b.site.metric("a", "dubbofn_activator_lanes_refused_total", ""), b.site.metric("keeper", "dubbofn_keeper_strangers_total", "")
	lane := net.JoinHostPort("127.0.0.1", strconv.Itoa(b.site.dubbo("a")+1))
	kinds := map[string]func() error{
		"garbage at the lane":                  func() error { return refused("tcp", lane, nil) },
		"another token at the lane":            func() error { return b.offer(lane, "work-steady") },
		"another app at the lane":              func() error { return b.offer(lane, "work-nobody") },
		"no token at the function":             func() error { return b.post("") },
		"another token at the function":        func() error { return b.post("guess") },
		"garbage at the keeper's socket":       func() error { return refused("unix", b.site.socket, nil) },
		"another token at the keeper's socket": func() error { return refused("unix", b.site.socket, begin) },
		"another token at the keeper's port":   func() error { return refused("tcp", "127.0.0.1:"+strconv.Itoa(b.port+6), begin) },
	}
	for range each {
		for kind, knock := range kinds {
			if err := knock(); err != nil {
				r.fault("%s: %v", kind, err)
			}
		}
	}
	time.Sleep(time.Second)
	r.judge(ended(loads), nil)
	lanes, kept = b.site.metric("a", "dubbofn_activator_lanes_refused_total", "")-lanes, b.site.metric("keeper", "dubbofn_keeper_strangers_total", "")-kept
	if lanes != 3*each || kept != 3*each {
		r.fault("%.0f strangers counted at the lanes, want %d; %.0f at the keeper, want %d", lanes, 3*each, kept, 3*each)
	}
	r.saw("%d knocks refused; counted: %.0f by the activator, %.0f by the keeper; no secret in any log", each*len(kinds), lanes, kept)
}

// refused sends what begin makes, or garbage, and wants the connection closed by the other side.
func refused(network, address string, begin func() ([]byte, error)) error {
	c, err := net.Dial(network, address)
	if err != nil {
		return err
	}
	defer c.Close()
	say := bytes.Repeat([]byte("who is there? "), 100)
	if begin != nil {
		if say, err = begin(); err != nil {
			return err
		}
	}
	if _, err := c.Write(say); err != nil {
		return err
	}
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if begin != nil { // what follows proves nothing
		if _, err := c.Write(keeperwire.Append(nil, keeperwire.Proof, 0, make([]byte, 32))); err != nil {
			return nil
		}
	}
	if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
		return fmt.Errorf("it is still connected: %w", err)
	}
	return nil
}

// begin is the first word to a keeper.
func begin() ([]byte, error) {
	_, hello, err := keeperwire.Begin("work-chain", "stranger", "guess")
	return hello, err
}

// offer dials as a function does.
func (b *bench) offer(lane, app string) error {
	c, err := net.Dial("tcp", lane)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	o, err := earlylane.Offer(ctx, c, earlylane.Hello{App: app, Revision: app + "-00001", Instance: "stranger"}, "guess")
	if err == nil {
		err = o.Open(ctx, nil)
	}
	switch {
	case err == nil:
		return fmt.Errorf("it was let in as %s", app)
	case strings.Contains(err.Error(), b.site.token):
		return fmt.Errorf("it was told the token: %w", err)
	}
	return nil
}

// post calls a function by the platform's path.
func (b *bench) post(token string) error {
	req, err := http.NewRequest(http.MethodPost, b.site.platform+"/dubbo", bytes.NewReader(add("steady", "stranger")))
	if err != nil {
		return err
	}
	req.Host = "work-steady.local"
	req.Header.Set("Content-Type", "application/x-dubbo")
	if token != "" {
		req.Header.Set("Dubbofn-Token", token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("Dubbofn-Refused") != "token" || strings.Contains(string(text), b.site.token)) {
		err = fmt.Errorf("%s, refused for %q: %s", resp.Status, resp.Header.Get("Dubbofn-Refused"), text)
	}
	return err
}
