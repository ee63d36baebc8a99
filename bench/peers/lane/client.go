package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/dubbofn/dubbofn/bench/service/measure"
)

// call prints what came of the plan. All calls share one transport, as net/http has it.
func call(ctx context.Context, o options) error {
	if err := o.plan.Validate(); err != nil {
		return err
	}
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Transport{Protocols: &protocols, DisableCompression: true}
	defer client.CloseIdleConnections()
	first := &loop{options: o, client: client, url: "http://" + o.address + path}
	var err error
	if o.reply, err = first.probe(ctx); err != nil {
		return err
	}
	loops := make([]measure.Loop, o.plan.InFlight)
	for i := range loops {
		loops[i] = &loop{options: o, client: client, url: first.url}
	}
	outcome, err := measure.Drive(ctx, o.plan, loops)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(outcome)
}

// loop posts one frame after the other.
type loop struct {
	options
	client *http.Transport
	url    string
	times  measure.Histogram
	seen   uint64
}

// Run implements [measure.Loop].
func (l *loop) Run(ctx context.Context, start time.Time) error {
	from, to := l.plan.WarmUp, l.plan.WarmUp+l.plan.Measure
	room := make([]byte, len(l.reply)+1)
	types, tokens := []string{contentType}, []string{l.token}
	for begun := time.Since(start); begun < to; {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(l.request))
		if err != nil {
			return err
		}
		req.Header = http.Header{"Content-Type": types}
		if l.token != "" {
			req.Header[headerToken] = tokens
		}
		if err := l.post(req, room); err != nil {
			return err
		}
		l.seen++
		now := time.Since(start)
		if now >= from && now < to {
			l.times.Record(now - begun)
		}
		begun = now
	}
	return nil
}

// probe gives the first reply, decoded and checked; the others are compared with its bytes.
func (l *loop) probe(ctx context.Context) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(l.request))
	if err != nil {
		return nil, err
	}
	req.Header = http.Header{"Content-Type": {contentType}, headerToken: {l.token}}
	resp, err := l.client.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	frame, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("post: %s: %q, %w", resp.Status, frame, err)
	}
	return frame, l.testCase.CheckFrame(frame)
}

// maxReply is far above what any case is answered with.
const maxReply = 8 << 20

func (l *loop) post(req *http.Request, room []byte) error {
	resp, err := l.client.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	n, err := io.ReadFull(resp.Body, room)
	if err != io.ErrUnexpectedEOF || resp.StatusCode != http.StatusOK || !bytes.Equal(room[:n], l.reply) { //nolint:errorlint // ReadFull's own
		return fmt.Errorf("post: %s, %d bytes, %w", resp.Status, n, err)
	}
	return nil
}

// Noted implements [measure.Loop].
func (l *loop) Noted() (times *measure.Histogram, checked uint64) { return &l.times, l.seen }
