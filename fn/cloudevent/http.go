package cloudevent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	sdk "github.com/cloudevents/sdk-go/v2/event"

	"github.com/dubbofn/dubbofn/internal/cebind"
	"github.com/dubbofn/dubbofn/internal/deliver"
	"github.com/dubbofn/dubbofn/tracing"
)

const (
	// maxErrorBytes is what Knative keeps of an answer that is no success, for the dead letter.
	maxErrorBytes = 1024
	batchAtOnce   = 16
	rateAllowed   = "*" // WebHook-Allowed-Rate: no limit
)

// ServeHTTP takes events: binary, structured or batched (CloudEvents HTTP binding 1.0.2), and the question whether it would (OPTIONS, HTTP 1.1
// WebHooks for event delivery 1.0.2).
func (e *events) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch req.Method {
	case http.MethodPost:
	case http.MethodOptions:
		e.options(w, req)
		return
	default:
		w.Header().Set("Allow", "POST, OPTIONS")
		fail(w, outcome{status: http.StatusMethodNotAllowed, reason: "want POST with an event"})
		return
	}
	if !e.allowed(req) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		fail(w, outcome{status: http.StatusUnauthorized, reason: "want Authorization: Bearer with this function's token for events"})
		return
	}
	if !e.enter() {
		fail(w, outcome{status: http.StatusServiceUnavailable, reason: "the function ends", after: fullWait})
		return
	}
	defer e.under.Done()
	body, held, o := e.body(w, req)
	defer e.bytes.give(held)
	if o.status != 0 {
		fail(w, o)
		return
	}
	how := arrival{headers: req.Header, peer: req.RemoteAddr, layer: tracing.LayerHTTP}
	media := req.Header.Get("Content-Type")
	if media != sdk.ApplicationJSON { // as most have it
		media, _, _ = mime.ParseMediaType(media)
	}
	if strings.HasPrefix(media, sdk.ApplicationCloudEventsBatchJSON) {
		e.batch(w, req, body, how)
		return
	}
	ev, err := receive(req.Header, body)
	if err != nil {
		e.observeInvalid()
		fail(w, outcome{status: http.StatusBadRequest, reason: err.Error()})
		return
	}
	o = e.handle(req.Context(), ev, how)
	if !o.handled() {
		if !o.temporary() {
			e.host.Log.Warn("event refused", "id", ev.id, "source", ev.source, "type", ev.typ, "rule", o.rule, "status", o.status, "reason", o.reason)
		}
		fail(w, o)
		return
	}
	answer(w, req, o, strings.HasPrefix(media, sdk.ApplicationCloudEventsJSON))
}

// read makes an event of a request.
func read(h http.Header, body []byte) (sdk.Event, error) {
	var headers []cebind.Header
	for name, values := range h {
		if len(values) != 1 && strings.HasPrefix(name, "Ce-") {
			return sdk.Event{}, fmt.Errorf("read event: header %.40s stands %d times", name, len(values))
		}
		headers = append(headers, cebind.Header{Name: name, Value: values[0]})
	}
	return cebind.HTTP.Read(headers, body)
}

// body reads a request's, within the limits. held is what it took of the budget.
func (e *events) body(w http.ResponseWriter, req *http.Request) (body []byte, held int64, o outcome) {
	claimed := req.ContentLength
	if claimed > e.cfg.MaxEvent {
		return nil, 0, outcome{status: http.StatusRequestEntityTooLarge, reason: fmt.Sprintf("the body has %d bytes (limit %d, DUBBOFN_EVENTS_MAX)", claimed, e.cfg.MaxEvent)}
	}
	if claimed < 0 {
		claimed = e.cfg.MaxEvent // nobody says: room for the largest
	}
	if !e.bytes.take(claimed) {
		return nil, 0, outcome{status: http.StatusTooManyRequests, reason: "no room for the event's bytes", after: fullWait}
	}
	body, err := readAll(w, req, claimed)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		o = outcome{status: http.StatusRequestEntityTooLarge, reason: fmt.Sprintf("the body has more than %d bytes (limit DUBBOFN_EVENTS_MAX)", claimed)}
	case err != nil:
		o = outcome{status: http.StatusBadRequest, reason: "read body: " + err.Error()}
	}
	return body, claimed, o
}

// smallBody is what is read into as many bytes as its sender says that there are.
const smallBody = 64 << 10

func readAll(w http.ResponseWriter, req *http.Request, most int64) ([]byte, error) {
	bounded := http.MaxBytesReader(w, req.Body, most)
	if req.ContentLength < 0 || req.ContentLength > smallBody {
		return io.ReadAll(bounded)
	}
	body := make([]byte, req.ContentLength+1) // the last one is for none: the end is read, or that there is more
	n, err := io.ReadFull(bounded, body)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && n == len(body)-1 {
		err = nil
	}
	return body[:n], err
}

func (e *events) allowed(req *http.Request) bool {
	if e.cfg.Token == "" {
		return true
	}
	shown, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	got, want := sha256.Sum256([]byte(shown)), sha256.Sum256([]byte(e.cfg.Token))
	return ok && subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// options answers a sender who asks whether it may send.
func (e *events) options(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Allow", "POST, OPTIONS")
	if origin := req.Header.Get("Webhook-Request-Origin"); origin != "" {
		if !e.trusts(origin) {
			fail(w, outcome{status: http.StatusForbidden, reason: fmt.Sprintf("events from %.100q are not taken (DUBBOFN_EVENTS_ORIGINS)", origin)})
			return
		}
		w.Header().Set("Webhook-Allowed-Origin", origin)
		w.Header().Set("Webhook-Allowed-Rate", rateAllowed)
	}
	w.WriteHeader(http.StatusOK)
}

func (e *events) trusts(origin string) bool {
	for o := range strings.SplitSeq(e.cfg.Origins, ",") {
		if o = strings.TrimSpace(o); o == "*" || strings.EqualFold(o, origin) {
			return true
		}
	}
	return false
}

// prefers tells whether a request has the preference (RFC 7240).
func prefers(req *http.Request, what string) bool {
	for _, v := range req.Header.Values("Prefer") {
		for p := range strings.SplitSeq(v, ",") {
			if name, _, _ := strings.Cut(p, ";"); strings.EqualFold(strings.TrimSpace(name), what) {
				return true
			}
		}
	}
	return false
}

// fail answers with a status and a short text, which ends up in the dead letter.
func fail(w http.ResponseWriter, o outcome) {
	if o.after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(o.after.Seconds()))))
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(o.status)
	_, _ = io.WriteString(w, short(o.reason)) // the sender is gone: there is nobody to tell
}

// short cuts a text to what is kept of it, at a character's end.
func short(s string) string {
	if len(s) <= maxErrorBytes {
		return s
	}
	n := maxErrorBytes
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func (e *events) observeInvalid() {
	if e.host.Observe != nil {
		e.host.Observe("", wordInvalid, 0)
	}
}

// batch handles the events of one request, several at a time, and answers once all are done: with success if each was handled or can never be,
// else so that it comes again. What was handled is known then.
func (e *events) batch(w http.ResponseWriter, req *http.Request, body []byte, how arrival) {
	all, err := e.split(body)
	if err != nil {
		e.observeInvalid()
		status := http.StatusBadRequest
		if errors.Is(err, errBatch) {
			status = http.StatusRequestEntityTooLarge
		}
		fail(w, outcome{status: status, reason: err.Error()})
		return
	}
	results := make([]outcome, len(all))
	places := make(chan struct{}, batchAtOnce)
	first := map[digest]bool{}
	var running sync.WaitGroup
	for i, one := range all {
		if one.err != nil {
			e.observeInvalid()
			results[i] = outcome{status: http.StatusBadRequest, reason: one.err.Error(), word: wordInvalid}
			continue
		}
		ev := incomingOf(&one.event)
		key := keyOf(ev)
		if first[key] { // the same one twice: it is handled once
			results[i] = outcome{status: http.StatusAccepted}
			continue
		}
		first[key] = true
		places <- struct{}{}
		running.Go(func() {
			defer func() { <-places }()
			results[i] = e.handle(req.Context(), ev, how)
		})
	}
	running.Wait()
	e.answerBatch(w, req, all, results)
}

func (e *events) answerBatch(w http.ResponseWriter, req *http.Request, all []item, results []outcome) {
	again, dropped := 0, 0
	var why outcome
	for _, o := range results {
		if !o.handled() && o.temporary() {
			if again++; again == 1 || o.after > why.after {
				why = o
			}
		}
	}
	if again > 0 { // those that are refused come again too: they are nobody's dead letters yet
		fail(w, outcome{status: http.StatusServiceUnavailable, reason: fmt.Sprintf("%d of %d events may be handled later; one of them: %s", again, len(all), why.reason), after: why.after})
		return
	}
	for i, o := range results {
		if o.handled() {
			continue
		}
		dropped++
		if err := e.refused(req.Context(), all[i], o); err != nil {
			fail(w, outcome{status: http.StatusServiceUnavailable, reason: "the dead letter of a refused event was not taken: " + err.Error(), after: fullWait})
			return
		}
	}
	w.Header().Set("Dubbofn-Refused-Events", strconv.Itoa(dropped))
	w.WriteHeader(http.StatusAccepted)
}

// refused tells of an event of a batch that can never be handled: in the log, and to the sink for dead letters. The error is that sink's.
func (e *events) refused(ctx context.Context, it item, o outcome) error {
	e.host.Log.Warn("event of a batch refused", "id", it.event.ID(), "source", it.event.Source(), "type", it.event.Type(), "rule", o.rule, "status", o.status, "reason", o.reason)
	if isEvent := it.err == nil; !isEvent || e.dead == nil {
		return nil
	}
	return e.dead.Send(ctx, deliver.Dead(it.event, "/"+e.host.App, deliver.Result{Code: o.status, Reason: o.reason}))
}

// item is one event of a batch, or why it is none.
type item struct {
	event sdk.Event
	err   error
}

var errBatch = errors.New("too many events in one batch")

// split reads a batch: a JSON array of events. The error is of the whole.
func (e *events) split(body []byte) ([]item, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return nil, errors.New("read batch: want a JSON array of events")
	}
	var all []item
	for dec.More() {
		if len(all) == e.cfg.MaxBatch {
			return nil, fmt.Errorf("%w: more than %d (DUBBOFN_EVENTS_BATCH)", errBatch, e.cfg.MaxBatch)
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, fmt.Errorf("read batch: event %d: %w", len(all)+1, err)
		}
		ev, err := cebind.ReadJSON(raw)
		all = append(all, item{ev, err})
	}
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("read batch: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read batch: there is more behind the array")
	}
	return all, nil
}
