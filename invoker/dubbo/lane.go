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

	"github.com/dubbofn/dubbofn/invoker"
)

// ContentType is that of a Dubbo frame in an HTTP body.
const ContentType = "application/x-dubbo"

// The headers of the lane. All but the token count only beside the right token.
const (
	headerToken    = "Dubbofn-Token"
	headerTimeLeft = "Dubbofn-Time-Left" // milliseconds
	headerCaller   = "Dubbofn-Caller"    // "ip:port" of the consumer
)

// Handler is the lane: POST /dubbo with one request frame in the body, answered with the response's frame, or with 202 once a
// one-way call has run. A frame that can be answered is, with status 200 and Dubbo's own status in it; HTTP's statuses are for
// what is no frame (400), another type than [ContentType] (415), a body over the limit (413), a missing token (401), another
// method than POST (405), a server that was drained (503).
//
// Where ServerConfig.Token is set and shown, these headers win over what the frame says: Dubbofn-Time-Left (milliseconds
// until the deadline), Dubbofn-Caller (the consumer's address), sw8 and traceparent.
func (s *Server) Handler() http.Handler {
	want := sha256.Sum256([]byte(s.cfg.Token))
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		trusted := false
		if s.cfg.Token != "" {
			got := sha256.Sum256([]byte(req.Header.Get(headerToken)))
			if trusted = subtle.ConstantTimeCompare(got[:], want[:]) == 1; !trusted {
				http.Error(w, "the header "+headerToken+" is missing or wrong", http.StatusUnauthorized)
				return
			}
		}
		s.lane(w, req, trusted)
	})
}

func (s *Server) lane(w http.ResponseWriter, req *http.Request, trusted bool) {
	arrival := time.Now()
	switch {
	case req.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "want POST with one Dubbo frame", http.StatusMethodNotAllowed)
		return
	case req.Header.Get("Content-Type") != ContentType:
		http.Error(w, "want content type "+ContentType, http.StatusUnsupportedMediaType)
		return
	case s.isClosed():
		http.Error(w, "the server was drained", http.StatusServiceUnavailable)
		return
	}
	rd := &reader{src: req.Body, budget: s.cfg.Budget, buffers: &s.buffers, limits: s.limits, now: arrival}
	h, err := rd.next()
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	case !h.request():
		http.Error(w, "want a request frame", http.StatusBadRequest)
		return
	case req.ContentLength >= 0 && req.ContentLength != headerBytes+int64(h.length):
		http.Error(w, fmt.Sprintf("the body has %d bytes, its frame %d", req.ContentLength, headerBytes+int64(h.length)), http.StatusBadRequest)
		return
	case int64(h.length) > int64(s.cfg.MaxBytes):
		http.Error(w, fmt.Sprintf("the frame's body has %d bytes (limit %d)", h.length, s.cfg.MaxBytes), http.StatusRequestEntityTooLarge)
		return
	}
	r := s.request()
	r.begin(nil, h, arrival)
	defer s.recycle(r)
	if err := s.laneCall(req, rd, r, trusted); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !h.twoWay() {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	w.Header().Set("Content-Type", ContentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(r.out)))
	_, _ = w.Write(r.out) // the caller is gone: there is nobody to tell
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
	caller           string
	left             time.Duration
	hasLeft          bool
	sw8, traceparent string
}

func (o *overrides) read(h http.Header) {
	if v := h.Get(headerCaller); v != "" {
		o.caller = v
	}
	o.left, o.hasLeft = milliseconds(h.Get(headerTimeLeft))
	o.sw8, o.traceparent = h.Get("sw8"), h.Get("traceparent")
}

// apply changes what was read from the frame.
func (o *overrides) apply(r *request) {
	inv := &r.call.inv
	inv.Caller.Address = o.caller
	setIf(&inv.Attachments, "sw8", o.sw8)
	setIf(&inv.Attachments, "traceparent", o.traceparent)
	if o.hasLeft {
		r.call.deadline = r.arrival.Add(o.left)
	}
}

func setIf(a *invoker.Attachments, key, value string) {
	if value != "" {
		a.Set(key, value)
	}
}
