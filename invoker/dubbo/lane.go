package dubbo

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// ContentType is that of a Dubbo frame in an HTTP body.
const ContentType = "application/x-dubbo"

// The headers of the lane. Those of requests, but the token, count only beside the right token.
const (
	headerToken    = "Dubbofn-Token"
	headerTimeLeft = "Dubbofn-Time-Left" // milliseconds
	headerCaller   = "Dubbofn-Caller"    // "ip:port" of the consumer
	headerLedger   = "Dubbofn-Ledger"    // "1" asks for the ledger of the process's start, the answer's is its JSON
	headerInstance = "Dubbofn-Instance"  // of answers: who gave it
	headerRefused  = "Dubbofn-Refused"   // of answers: the call did not run, and why, in a word
)

// The words of Dubbofn-Refused.
const (
	refusedToken    = "token"
	refusedMethod   = "method"
	refusedType     = "content-type"
	refusedFrame    = "frame"
	refusedTooLarge = "too-large"
	refusedDrained  = "drained"
	refusedFull     = "full"
	refusedLate     = "late"
)

// Handler is the lane: POST /dubbo with one request frame in the body, answered with the response's frame, or with 202 and the same content type,
// but no body, once a one-way call has run. A frame that can be answered is, with status 200 and Dubbo's own status in it; HTTP's statuses are for
// what is no frame (400), another type than [ContentType] (415), a body over the limit (413), a missing token (401), another
// method than POST (405), a server that was drained (503); a one-way frame that did not run gets 400, or 503 where there was no room or
// no time.
//
// Every answer of these, and the frame of status 100 that says that there was no room, has the header Dubbofn-Refused with a word: the
// call surely did not run. An answer without it that is no frame is somebody else's, between the caller and this server.
//
// Where ServerConfig.Token is set and shown, these headers win over what the frame says: Dubbofn-Time-Left (milliseconds
// until the deadline), Dubbofn-Caller (the consumer's address), and what a trace goes on with: sw8, sw8-correlation, traceparent, tracestate.
func (s *Server) Handler() http.Handler {
	want := sha256.Sum256([]byte(s.cfg.Token))
	instance, typed := []string{s.cfg.Instance}, []string{ContentType} // of every answer: never changed
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		growStack()
		if s.cfg.Instance != "" {
			w.Header()[headerInstance] = instance
		}
		trusted := false
		if s.cfg.Token != "" {
			got := sha256.Sum256([]byte(first(req.Header, headerToken)))
			if trusted = subtle.ConstantTimeCompare(got[:], want[:]) == 1; !trusted {
				refuseLane(w, http.StatusUnauthorized, refusedToken, "the header "+headerToken+" is missing or wrong")
				return
			}
		}
		s.lane(w, req, trusted, typed)
	})
}

// growStack has the goroutine get at once, while few frames are on its stack, the room that reading and answering a call takes. It is a new one for every
// call, and would else be moved twice on the way down, with all frames: a seventh of the CPU time of a small call.
//
//go:noinline
func growStack() {
	var room [6 << 10]byte
	keep(&room)
}

//go:noinline
func keep(*[6 << 10]byte) {}

// write writes the answer.
func (r *request) write(w http.ResponseWriter) {
	if len(r.out) > selfMeasured {
		w.Header().Set("Content-Length", strconv.Itoa(len(r.out)))
	}
	_, _ = w.Write(r.out) // the caller is gone: there is nobody to tell
}

// selfMeasured is up to what length net/http tells the length of an answer by itself, in either version of HTTP (bufferBeforeChunkingSize).
const selfMeasured = 2048

// first gives a header by its canonical name, which spares looking for that: there are seven to look at for each call.
func first(h http.Header, canonical string) string {
	if v := h[canonical]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// refuseLane answers what did not run.
func refuseLane(w http.ResponseWriter, status int, word, why string) {
	w.Header().Set(headerRefused, word)
	http.Error(w, why, status)
}

func (s *Server) lane(w http.ResponseWriter, req *http.Request, trusted bool, typed []string) {
	arrival := time.Now()
	switch {
	case req.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		refuseLane(w, http.StatusMethodNotAllowed, refusedMethod, "want POST with one Dubbo frame")
		return
	case s.isClosed():
		refuseLane(w, http.StatusServiceUnavailable, refusedDrained, "the server was drained")
		return
	case s.cfg.Aside != nil && s.cfg.Aside(w, req):
		return
	case first(req.Header, "Content-Type") != ContentType:
		refuseLane(w, http.StatusUnsupportedMediaType, refusedType, "want content type "+ContentType)
		return
	}
	rd := &reader{src: req.Body, budget: s.cfg.Budget, buffers: &s.buffers, limits: s.limits, now: arrival}
	h, err := rd.next()
	switch {
	case err != nil:
		refuseLane(w, http.StatusBadRequest, refusedFrame, err.Error())
		return
	case !h.request():
		refuseLane(w, http.StatusBadRequest, refusedFrame, "want a request frame")
		return
	case req.ContentLength >= 0 && req.ContentLength != headerBytes+int64(h.length):
		refuseLane(w, http.StatusBadRequest, refusedFrame, fmt.Sprintf("the body has %d bytes, its frame %d", req.ContentLength, headerBytes+int64(h.length)))
		return
	case int64(h.length) > int64(s.cfg.MaxBytes):
		refuseLane(w, http.StatusRequestEntityTooLarge, refusedTooLarge, fmt.Sprintf("the frame's body has %d bytes (limit %d)", h.length, s.cfg.MaxBytes))
		return
	}
	r := s.request()
	r.begin(nil, h, arrival)
	defer s.recycle(r)
	if err := s.laneCall(req, rd, r, trusted); err != nil {
		refuseLane(w, http.StatusBadRequest, refusedFrame, err.Error())
		return
	}
	if s.cfg.Ledger != nil && first(req.Header, headerLedger) != "" && (trusted || s.cfg.Token == "") {
		w.Header().Set(headerLedger, s.cfg.Ledger())
	}
	if h.twoWay() {
		if !r.ran && r.out[3] == statusExhausted { // a status that a function could have given too
			w.Header().Set(headerRefused, refusedFull)
		}
		w.Header()["Content-Type"] = typed
		r.write(w)
	} else if !r.ran && !h.event() {
		r.refuseOneWay(w)
	} else {
		w.Header()["Content-Type"] = typed // a proxy that says 202 knows nothing of it
		w.WriteHeader(http.StatusAccepted)
	}
	if r.ran {
		s.replied(arrival)
	}
}

// refuseOneWay says by HTTP what nobody reads a frame for.
func (r *request) refuseOneWay(w http.ResponseWriter) {
	status, word := http.StatusBadRequest, refusedFrame
	switch r.out[3] {
	case statusExhausted:
		status, word = http.StatusServiceUnavailable, refusedFull
	case statusServerTimeout:
		status, word = http.StatusServiceUnavailable, refusedLate
	}
	refuseLane(w, status, word, fmt.Sprintf("the one-way call did not run: status %d", r.out[3]))
}

// laneCall reads the body and leaves the answer in r.out. The error is that of the stream.
func (s *Server) laneCall(req *http.Request, rd *reader, r *request, trusted bool) error {
	if h := r.header; !h.event() && h.serialization() != serializationHess2 {
		s.counts.bad.Add(1)
		r.refuse(s, statusBadRequest, fmt.Sprintf("read request: serialization %d (%s); this provider reads hessian2 (2)", h.serialization(), serializationName(h.serialization())))
		return nil
	}
	body, err := rd.body(r.own, int(r.header.length), !r.header.event())
	if err != nil {
		var why *refused
		if !errors.As(err, &why) {
			return err
		}
		status := byte(statusBadRequest)
		if errors.Is(err, errBudget) {
			status = statusExhausted
		}
		r.refuse(s, status, "read request: "+err.Error())
		return nil
	}
	r.body = body
	if r.header.event() {
		r.out = appendEvent(r.out[:0], r.header.serialization(), statusOK, r.header.id, string(body[:min(len(body), maxEventBytes)]))
		r.release(s)
		return nil
	}
	if !s.admit(r.arrival) {
		r.release(s)
		r.refuse(s, statusExhausted, fmt.Sprintf("%d calls in flight (limit %d)", s.cfg.MaxInFlight, s.cfg.MaxInFlight))
		return nil
	}
	defer s.leave()
	ctx := req.Context()
	if !r.header.twoWay() {
		ctx = context.WithoutCancel(ctx)
	}
	r.over = overrides{caller: req.RemoteAddr}
	if trusted {
		r.over.read(req.Header)
	}
	s.answer(ctx, r)
	return nil
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// overrides are what the transport knows better than the frame.
type overrides struct {
	caller  string
	left    time.Duration
	hasLeft bool
	trace   [4]string // in the order of traceHeaders
}

// traceHeaders are the headers that a trace goes on with, as net/http writes their names, and the attachments that they stand for.
func traceHeaders() [4]struct{ header, attachment string } {
	return [4]struct{ header, attachment string }{
		{"Sw8", keySW8}, {"Sw8-Correlation", keySW8Correlation}, {"Traceparent", keyTraceparent}, {"Tracestate", keyTracestate},
	}
}

// The attachments that a trace goes on with: SkyWalking's, and those of the W3C.
const (
	keySW8            = "sw8"
	keySW8Correlation = "sw8-correlation"
	keyTraceparent    = "traceparent"
	keyTracestate     = "tracestate"
)

func (o *overrides) read(h http.Header) {
	if v := first(h, headerCaller); v != "" {
		o.caller = v
	}
	o.left, o.hasLeft = milliseconds(first(h, headerTimeLeft))
	for i, t := range traceHeaders() {
		if v := h[t.header]; len(v) > 0 {
			o.trace[i] = v[0]
		}
	}
}

// apply changes what was read from the frame.
func (o *overrides) apply(r *request) {
	inv := &r.call.inv
	inv.Caller.Address = o.caller
	for i, t := range traceHeaders() {
		if v := o.trace[i]; v != "" {
			inv.Attachments.Set(t.attachment, v)
		}
	}
	if o.hasLeft {
		r.call.deadline = r.arrival.Add(o.left)
	}
}
