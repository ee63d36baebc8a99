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
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != ContentType || r.Header.Get("Content-Length") != strconv.Itoa(len(b)) {
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
	if b, err := io.ReadAll(r.Body); r.StatusCode != http.StatusAccepted || len(b) != 0 || err != nil || !ran {
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
		if r := post(t, s, c.frame, c.headers); r.StatusCode != c.status {
			t.Errorf("%s: got %s, want %d", name, r.Status, c.status)
		}
	}
	get := httptest.NewRecorder()
	s.Handler().ServeHTTP(get, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/dubbo", nil))
	if get.Code != http.StatusMethodNotAllowed || get.Header().Get("Allow") != http.MethodPost {
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
	headers := map[string]string{headerTimeLeft: "3000", headerCaller: "198.51.100.7:5000", "sw8": "1-new", "traceparent": "00-new"}
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
		if r := post(t, guarded, frame, headers); r.StatusCode != http.StatusUnauthorized {
			t.Errorf("token %q: got %s, want 401", token, r.Status)
		}
	}
	headers[headerToken] = "s3cret"
	if r := post(t, guarded, frame, headers); r.StatusCode != http.StatusOK {
		t.Fatal(r.Status)
	}
	if got.Caller.Address != "198.51.100.7:5000" || got.Attachments.Get("sw8") != "1-new" || got.Attachments.Get("traceparent") != "00-new" || left > 3*time.Second || left < time.Second {
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
	if h, body := frameOf(t, post(t, s, requestFrame(t, 2, protocolVersion, "wait", nil), nil)); h.status != statusExhausted {
		t.Errorf("a call too many: %+v %q", h, body)
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
	if r := post(t, s, requestFrame(t, 4, protocolVersion, "wait", nil), nil); r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("after the drain: %s, want 503", r.Status)
	}
}
