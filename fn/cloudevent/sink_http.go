package cloudevent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/dubbofn/dubbofn/internal/cebind"
	"github.com/dubbofn/dubbofn/invoker"
)

const (
	// sendTries and the waits between them follow what Knative's own sender does by default, within the time that the caller has.
	sendTries    = 5
	sendFirst    = 100 * time.Millisecond
	sendLongest  = 5 * time.Second
	sendTimeout  = 30 * time.Second // of one try, where the caller has no deadline
	maxAnswer    = 64 << 10         // what is read of an answer, so that its connection can be used again
	maxRetryWait = time.Minute      // what a Retry-After may ask for
)

// httpSink sends events as HTTP requests. Safe for concurrent use.
type httpSink struct {
	url        string
	shown      string // without a password
	peer       string // "host:port"
	structured bool
	client     *http.Client
	log        *slog.Logger
}

// Send posts an event, and posts it again where that may help: no answer, 404, 408, 409, 425, 429 and 5xx, which are those that Knative's delivery
// contract calls temporary. The error is an [invoker.Error], whose MaybeExecuted says whether the event may be there all the same.
func (s *httpSink) Send(ctx context.Context, e event.Event) error {
	headers, body := cebind.HTTP.Write(e)
	if s.structured {
		var err error
		if headers, body, err = cebind.WriteJSON(e); err != nil {
			return &invoker.Error{Code: invoker.CodeBadRequest, Op: s.op(), Err: err}
		}
	}
	for name, v := range traceHeaders(e) {
		headers = append(headers, cebind.Header{Name: name, Value: v})
	}
	maybe := false
	for n := 1; ; n++ {
		err, again := s.post(ctx, headers, body)
		if err == nil {
			return nil
		}
		maybe = maybe || err.MaybeExecuted
		err.MaybeExecuted = maybe
		if again < 0 || n == sendTries {
			return err
		}
		wait := max(again, min(sendFirst<<(n-1), sendLongest))
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
			return err
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return err
		}
	}
}

func (s *httpSink) op() string { return "send event to " + s.shown }

// post is one try. again is how long the next one should wait at least, and negative where there should be none.
func (s *httpSink) post(ctx context.Context, headers []cebind.Header, body []byte) (fault *invoker.Error, again time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	var wrote atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }})
	req, err := http.NewRequestWithContext(traced, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return &invoker.Error{Code: invoker.CodeBadRequest, Op: s.op(), Err: err}, -1
	}
	for _, h := range headers {
		req.Header.Set(h.Name, h.Value)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		code := invoker.CodeUnavailable
		var slow net.Error
		if errors.As(err, &slow) && slow.Timeout() {
			code = invoker.CodeTimeout
		}
		return &invoker.Error{Code: code, Op: s.op(), Err: err, MaybeExecuted: wrote.Load()}, 0
	}
	defer func() {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
		_ = resp.Body.Close()
	}()
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil, 0
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 256))
	fault = &invoker.Error{Op: s.op(), Err: fmt.Errorf("status %d: %q", resp.StatusCode, strings.TrimSpace(string(text))), Remote: true}
	switch c := resp.StatusCode; {
	case c == http.StatusTooManyRequests || c == http.StatusServiceUnavailable:
		fault.Code = invoker.CodeExhausted
		return fault, retryAfter(resp.Header)
	case c >= 500:
		fault.Code, fault.MaybeExecuted = invoker.CodeServiceError, true
		return fault, 0
	case c == http.StatusNotFound, c == http.StatusRequestTimeout, c == http.StatusConflict, c == http.StatusTooEarly:
		fault.Code = invoker.CodeUnavailable
		return fault, 0
	case c == http.StatusUnauthorized || c == http.StatusForbidden:
		fault.Code = invoker.CodeUnauthenticated
	default:
		fault.Code = invoker.CodeBadRequest
	}
	return fault, -1
}

// retryAfter reads the header of that name: seconds, or a date.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	d := time.Duration(0)
	if n, err := strconv.Atoi(v); err == nil && n < int(maxRetryWait/time.Second) {
		d = time.Duration(n) * time.Second
	} else if err == nil {
		d = maxRetryWait
	} else if at, err := http.ParseTime(v); err == nil {
		d = time.Until(at)
	}
	return min(max(d, 0), maxRetryWait)
}

// traceHeaders are the trace extensions of an event as the headers of this hop, for a receiver without a broker in between.
func traceHeaders(e event.Event) map[string]string {
	h := map[string]string{}
	for extension, header := range map[string]string{"sw8": "sw8", "sw8correlation": "sw8-correlation", "traceparent": "traceparent", "tracestate": "tracestate"} {
		if v, ok := cebind.Attribute(e, extension); ok {
			h[header] = v
		}
	}
	return h
}
