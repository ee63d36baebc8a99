package dubbo

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

// post sends a frame down the lane.
func post(tb testing.TB, s *Server, frame []byte, headers map[string]string) *http.Response {
	tb.Helper()
	req := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/dubbo", bytes.NewReader(frame))
	req.Header.Set("Content-Type", ContentType)
	req.RemoteAddr = "192.0.2.1:4000"
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, req)
	return w.Result()
}

// frameOf reads the answer's frame.
func frameOf(tb testing.TB, r *http.Response) (header, []byte) {
	tb.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		tb.Fatal(err)
	}
	length := r.Header.Get("Content-Length")
	told := length == strconv.Itoa(len(b)) || length == "" && len(b) <= selfMeasured // net/http tells it then
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != ContentType || !told {
		tb.Fatalf("got %s, %v with %q", r.Status, r.Header, b)
	}
	h, err := parseHeader(b)
	if err != nil || int(h.length) != len(b)-headerBytes {
		tb.Fatalf("%x is not one frame: %v", b, err)
	}
	return h, b[headerBytes:]
}

func TestLaneAnswersAFrameWithAFrame(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerEcho(t)
	s := NewServer(p, ServerConfig{MaxBytes: 1 << 20})
	h, body := frameOf(t, post(t, s, echoFrame(t, 1<<63), nil))
	if res, _, err := decodeBody(body); h.id != 1<<63 || h.status != statusOK || err != nil || res.Value != "hello" {
		t.Errorf("got %+v, %v, %v", h, res, err)
	}
	if h, body := frameOf(t, post(t, s, requestFrame(t, 2, protocolVersion, "sing", nil), nil)); h.status != statusServiceNotFound {
		t.Errorf("a missing method: %+v %q", h, body)
	}
	if h, body := frameOf(t, post(t, s, rawFrame(flagRequest|flagTwoWay|6, 3, []byte("{}")), nil)); h.status != statusBadRequest || !strings.Contains(sentence(t, body), "hessian2") {
		t.Errorf("another serialization: %+v %q", h, body)
	}
	if h, body := frameOf(t, post(t, s, rawFrame(plainRequest, 4, append([]byte{0x4f}, make([]byte, 200<<10)...)), nil)); h.status != statusBadRequest {
		t.Errorf("rubbish: %+v %q", h, body)
	}
	if h, body := frameOf(t, post(t, s, appendEvent(nil, flagRequest|flagTwoWay|serializationHess2, 0, 5, eventHeartbeat), nil)); h != (header{flagEvent | serializationHess2, statusOK, 5, 1}) || string(body) != eventHeartbeat {
		t.Errorf("a heartbeat: %+v %q", h, body)
	}
	if st := s.Stats(); st.Bytes != 0 || st.InFlight != 0 || st.Calls != 1 {
		t.Errorf("stats %+v", st)
	}
}

func TestLaneAnswersAOneWayFrameOnceItHasRun(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	ran := false
	p.offer(t, "tell", func(_ context.Context, inv *invoker.Invocation) (invoker.Result, error) {
		ran = inv.OneWay
		return invoker.Result{}, nil
	}, nil)
	s := NewServer(p, ServerConfig{})
	frame := requestFrame(t, 1, protocolVersion, "tell", nil)
	frame[2] &^= flagTwoWay
	r := post(t, s, frame, nil)
	if b, err := io.ReadAll(r.Body); r.StatusCode != http.StatusAccepted || r.Header.Get("Content-Type") != ContentType || len(b) != 0 || err != nil || !ran {
		t.Errorf("got %s, %q, %v, ran %v; want 202, nothing, and that it ran", r.Status, b, err, ran)
	}
}

func TestLaneRefusesWhatIsNoFrame(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerEcho(t)
	s := NewServer(p, ServerConfig{MaxBytes: 1000})
	good := echoFrame(t, 1)
	for name, c := range map[string]struct {
		frame   []byte
		headers map[string]string
		status  int
	}{
		"another type":              {good, map[string]string{"Content-Type": "application/json"}, http.StatusUnsupportedMediaType},
		"nothing":                   {nil, nil, http.StatusBadRequest},
		"half a header":             {good[:10], nil, http.StatusBadRequest},
		"another magic":             {append([]byte("GE"), good[2:]...), nil, http.StatusBadRequest},
		"a frame cut short":         {good[:len(good)-1], nil, http.StatusBadRequest},
		"two frames":                {append(bytes.Clone(good), good...), nil, http.StatusBadRequest},
		"a response":                {appendEvent(nil, serializationHess2, statusOK, 1, eventHeartbeat), nil, http.StatusBadRequest},
		"a body over the limit":     {rawFrame(plainRequest, 1, make([]byte, 1001)), nil, http.StatusRequestEntityTooLarge},
		"a claim beyond all limits": {appendHeader(nil, header{flags: plainRequest, length: 1<<32 - 1}), nil, http.StatusBadRequest},
	} {
		if r := post(t, s, c.frame, c.headers); r.StatusCode != c.status || r.Header.Get(headerRefused) == "" {
			t.Errorf("%s: got %s, refused %q; want %d and why", name, r.Status, r.Header.Get(headerRefused), c.status)
		}
	}
	get := httptest.NewRecorder()
	s.Handler().ServeHTTP(get, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/dubbo", nil))
	if get.Code != http.StatusMethodNotAllowed || get.Header().Get("Allow") != http.MethodPost || get.Header().Get(headerRefused) != refusedMethod {
		t.Errorf("GET: got %d, %v", get.Code, get.Header())
	}
	if st := s.Stats(); st.Calls != 0 || st.Bytes != 0 {
		t.Errorf("stats %+v", st)
	}
}

func TestLaneTrustsHeadersOnlyBesideTheToken(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	var got invoker.Invocation
	var left time.Duration
	p.offer(t, "see", func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
		d, _ := ctx.Deadline()
		got, left = *inv, time.Until(d)
		return invoker.Result{}, nil
	}, nil)
	headers := map[string]string{headerTimeLeft: "3000", headerCaller: "198.51.100.7:5000", "sw8": "1-new", "sw8-correlation": "a:b", "traceparent": "00-new", "tracestate": "x=1"}
	frame := requestFrame(t, 1, protocolVersion, "see", nil, "timeout", "60000", "sw8", "1-old")

	open := NewServer(p, ServerConfig{})
	if r := post(t, open, frame, headers); r.StatusCode != http.StatusOK {
		t.Fatal(r.Status)
	}
	if got.Caller.Address != "192.0.2.1:4000" || got.Attachments.Get("sw8") != "1-old" || got.Attachments.Get("traceparent") != "" || left < 50*time.Second {
		t.Errorf("without a token the headers count: %+v, %v left", got, left)
	}

	guarded := NewServer(p, ServerConfig{Token: "s3cret"})
	for _, token := range []string{"", "wrong", "s3cre", "s3crett"} {
		headers[headerToken] = token
		if r := post(t, guarded, frame, headers); r.StatusCode != http.StatusUnauthorized || r.Header.Get(headerRefused) != refusedToken {
			t.Errorf("token %q: got %s, want 401", token, r.Status)
		}
	}
	headers[headerToken] = "s3cret"
	if r := post(t, guarded, frame, headers); r.StatusCode != http.StatusOK {
		t.Fatal(r.Status)
	}
	if got.Caller.Address != "198.51.100.7:5000" || got.Attachments.Get("sw8") != "1-new" || got.Attachments.Get("traceparent") != "00-new" ||
		got.Attachments.Get("sw8-correlation") != "a:b" || got.Attachments.Get("tracestate") != "x=1" || left > 3*time.Second || left < time.Second {
		t.Errorf("beside the token the headers don't win: %+v, %v left", got, left)
	}

	headers[headerTimeLeft] = "0"
	if h, body := frameOf(t, post(t, guarded, frame, headers)); h.status != statusServerTimeout {
		t.Errorf("with no time left: %+v %q, want status 31", h, body)
	}
}

func TestLaneSharesTheLimits(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	letGo := p.offerWait(t)
	p.offer(t, "take", nil, nil, reflect.TypeFor[[]byte]())
	s := NewServer(p, ServerConfig{MaxInFlight: 1, Budget: NewBudget(1000)})
	first := make(chan *http.Response, 1)
	go func() { first <- post(t, s, requestFrame(t, 1, protocolVersion, "wait", nil), nil) }()
	until(t, "the call runs", func() bool { return s.Stats().InFlight == 1 })
	tooMany := post(t, s, requestFrame(t, 2, protocolVersion, "wait", nil), nil)
	if h, body := frameOf(t, tooMany); h.status != statusExhausted || tooMany.Header.Get(headerRefused) != refusedFull {
		t.Errorf("a call too many: %+v %q, %v", h, body, tooMany.Header)
	}
	if h, body := frameOf(t, post(t, s, requestFrame(t, 3, protocolVersion, "take", []any{make([]byte, 2000)}), nil)); h.status != statusExhausted {
		t.Errorf("bytes too many: %+v %q", h, body)
	}

	// Draining waits for the lane's calls too; afterwards it is closed.
	drained := make(chan error, 1)
	go func() { drained <- s.Drain(context.Background()) }()
	letGo()
	if h, _ := frameOf(t, <-first); h.status != statusOK {
		t.Errorf("the first call: %+v", h)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if r := post(t, s, requestFrame(t, 4, protocolVersion, "wait", nil), nil); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get(headerRefused) != refusedDrained {
		t.Errorf("after the drain: %s, want 503", r.Status)
	}
}

// Nobody reads a frame that says why a one-way call did not run, so HTTP does. What ran is never refused.
func TestLaneRefusesAOneWayFrameThatDidNotRun(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	letGo := p.offerWait(t)
	defer letGo()
	p.offer(t, "fail", func(context.Context, *invoker.Invocation) (invoker.Result, error) {
		return invoker.Result{}, invoker.Errorf(invoker.CodeExhausted, "test", "it ran")
	}, nil)
	s := NewServer(p, ServerConfig{Token: "s3cret", MaxInFlight: 1})
	say := func(method string, headers map[string]string) *http.Response {
		headers[headerToken] = "s3cret"
		frame := requestFrame(t, 1, protocolVersion, method, nil)
		frame[2] &^= flagTwoWay
		return post(t, s, frame, headers)
	}
	for _, c := range []struct {
		method, left, word string
		status             int
	}{
		{"fail", "1000", "", http.StatusAccepted},
		{"fail", "0", refusedLate, http.StatusServiceUnavailable},
		{"sing", "1000", refusedFrame, http.StatusBadRequest},
	} {
		if r := say(c.method, map[string]string{headerTimeLeft: c.left}); r.StatusCode != c.status || r.Header.Get(headerRefused) != c.word {
			t.Errorf("%s with %s ms left: got %s, refused %q; want %d, %q", c.method, c.left, r.Status, r.Header.Get(headerRefused), c.status, c.word)
		}
	}
	first := make(chan struct{})
	go func() {
		defer close(first)
		say("wait", map[string]string{})
	}()
	until(t, "the call runs", func() bool { return s.Stats().InFlight == 1 })
	if r := say("wait", map[string]string{}); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get(headerRefused) != refusedFull {
		t.Errorf("a call too many: %s, refused %q", r.Status, r.Header.Get(headerRefused))
	}
	letGo()
	<-first

	beat := appendEvent(nil, flagRequest|serializationHess2, 0, 5, eventHeartbeat)
	if r := post(t, s, beat, map[string]string{headerToken: "s3cret"}); r.StatusCode != http.StatusAccepted {
		t.Errorf("a one-way event: %s", r.Status)
	}
}

func TestLaneNamesItsInstanceAndTellsOfItsStart(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerEcho(t)
	var first atomic.Int32
	s := NewServer(p, ServerConfig{
		Token: "s3cret", Instance: "greet-1", Ledger: func() string { return `{"app":"greet"}` }, First: func(arrived time.Time) {
			if time.Since(arrived) > time.Minute {
				t.Errorf("arrived %v", arrived)
			}
			first.Add(1)
		},
	})
	if r := post(t, s, echoFrame(t, 1), map[string]string{headerLedger: "1"}); r.Header.Get(headerLedger) != "" || r.Header.Get(headerInstance) != "greet-1" {
		t.Errorf("a stranger gets %v", r.Header)
	}
	post(t, s, appendEvent(nil, flagRequest|flagTwoWay|serializationHess2, 0, 5, eventHeartbeat), map[string]string{headerToken: "s3cret"})
	if first.Load() != 0 {
		t.Error("a heartbeat is no first call")
	}
	for range 3 {
		r := post(t, s, echoFrame(t, 1), map[string]string{headerToken: "s3cret", headerLedger: "1"})
		if r.Header.Get(headerLedger) != `{"app":"greet"}` || r.Header.Get(headerInstance) != "greet-1" {
			t.Errorf("got %v", r.Header)
		}
	}
	if first.Load() != 1 {
		t.Errorf("told of %d first calls", first.Load())
	}
	if r := post(t, s, echoFrame(t, 1), map[string]string{headerToken: "s3cret"}); r.Header.Get(headerLedger) != "" {
		t.Errorf("nobody asked: %v", r.Header)
	}
}

// The attachment goes through activators and consumers that know nothing of it.
func TestResponseTellsOfTheStartWhereTheRequestAsks(t *testing.T) {
	t.Parallel()
	p := newTestProvider()
	p.offerEcho(t)
	s := NewServer(p, ServerConfig{Ledger: func() string { return `{"app":"greet"}` }})
	for ask, want := range map[string]string{"": "", keyLedger: `{"app":"greet"}`} {
		var attachments []any
		if ask != "" {
			attachments = []any{ask, "true"}
		}
		_, body := frameOf(t, post(t, s, requestFrame(t, 1, protocolVersion, "echo", []any{"hello"}, attachments...), nil))
		if got, _, err := decodeBody(body); err != nil || got.Attachments.Get(keyLedger) != want {
			t.Errorf("asked by %q: got %q, %v; want %q", ask, got.Attachments.Get(keyLedger), err, want)
		}
	}
}

func TestLaneHandsWhatIsNoFrameAside(t *testing.T) {
	t.Parallel()
	s := NewServer(newTestProvider(), ServerConfig{Token: "s3cret", Aside: func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("X-Aside") == "" {
			return false
		}
		w.WriteHeader(http.StatusTeapot)
		return true
	}})
	for _, c := range []struct {
		headers map[string]string
		status  int
	}{
		{map[string]string{"X-Aside": "1", headerToken: "s3cret"}, http.StatusTeapot},
		{map[string]string{"X-Aside": "1"}, http.StatusUnauthorized},
		{map[string]string{headerToken: "s3cret"}, http.StatusBadRequest},
	} {
		if r := post(t, s, nil, c.headers); r.StatusCode != c.status {
			t.Errorf("%v: got %s, want %d", c.headers, r.Status, c.status)
		}
	}
}
