package cloudevent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	sdk "github.com/cloudevents/sdk-go/v2/event"

	"github.com/dubbofn/dubbofn/internal/cebind"
	"github.com/dubbofn/dubbofn/tracing"
)

// reply is a reply event: as a message of HTTP, which is how most go and how all are kept, and as the SDK has it. One of them is there, the other is made for
// those who ask.
type reply struct {
	headers []cebind.Header
	body    []byte
	whole   *sdk.Event
}

// message gives it as a message of HTTP.
func (r *reply) message() (headers []cebind.Header, body []byte) {
	if r.headers == nil {
		r.headers, r.body = cebind.HTTP.Write(*r.whole)
	}
	return r.headers, r.body
}

// event gives it as the SDK has it.
func (r *reply) event() (*sdk.Event, error) {
	if r.whole == nil {
		e, err := cebind.HTTP.Read(r.headers, r.body)
		if err != nil {
			return nil, err
		}
		r.whole = &e
	}
	return r.whole, nil
}

// replyHeaders is how many a reply has, with a subject and what continues a trace.
const replyHeaders = 8 + len(carried)

// reply makes the event that a result becomes. nil: it would be one too many.
func (e *events) reply(ctx context.Context, r *rule, ev *incoming, typ string, value any) (*reply, error) {
	left := min(hops(ev, hopsLeft, e.cfg.Hops), hops(ev, hopsOfBroker, e.cfg.Hops))
	if left <= 0 {
		e.host.Log.Warn("no reply: the event is the last of as many that led to one another as are allowed", "id", ev.id, "source", ev.source, "rule", r.label, "limit", e.cfg.Hops)
		return nil, nil
	}
	data, err := r.data(value)
	if err != nil {
		return nil, err
	}
	id, shown := replyID(ev, r.label, typ), strings.TrimSpace(typ)
	if shown == "" {
		return nil, errors.New("its type is empty")
	}
	h := make([]cebind.Header, 0, replyHeaders)
	h = append(h,
		cebind.Header{Name: "Ce-Specversion", Value: sdk.CloudEventsVersionV1}, cebind.Header{Name: "Ce-Id", Value: id},
		cebind.Header{Name: "Ce-Source", Value: r.source}, cebind.Header{Name: "Ce-Type", Value: cebind.Percent(shown)},
		cebind.Header{Name: "Ce-Time", Value: time.Now().UTC().Format(time.RFC3339Nano)}, cebind.Header{Name: headerContentType, Value: sdk.ApplicationJSON},
		cebind.Header{Name: "Ce-" + hopsLeftHeader, Value: strconv.Itoa(left - 1)})
	if ev.subject != "" {
		h = append(h, cebind.Header{Name: "Ce-Subject", Value: cebind.Percent(ev.subject)})
	}
	for _, x := range e.traceReply(ctx, ev, id, shown) {
		h = append(h, cebind.HTTP.Header(x.Name, x.Value))
	}
	return &reply{headers: h, body: data}, nil
}

// replyID gives a reply's id: the same should the event be handled again.
func replyID(ev *incoming, label, typ string) string {
	var room [512]byte
	b := append(room[:0], ev.source...)
	b = append(append(b, 0), ev.id...)
	b = append(append(b, 0), label...)
	sum := sha256.Sum256(append(append(b, 0), typ...))
	return hex.EncodeToString(sum[:16])
}

// continued is what continues a trace in an event that is being made: extensions.
type continued struct{ extensions []cebind.Header }

func (c *continued) Get(key string) string {
	for _, x := range c.extensions {
		if x.Name == strings.ReplaceAll(key, "-", "") && len(x.Value) <= maxCarried {
			return x.Value
		}
	}
	return ""
}

func (c *continued) Set(key, value string) {
	name := strings.ReplaceAll(key, "-", "")
	for i := range c.extensions {
		if c.extensions[i].Name == name {
			c.extensions[i].Value = value
			return
		}
	}
	c.extensions = append(c.extensions, cebind.Header{Name: name, Value: value})
}

// traceReply gives the extensions by which a reply event continues the trace. traceparent is a delivery's first, which hops leave alone (distributed tracing
// extension 1.0).
func (e *events) traceReply(ctx context.Context, ev *incoming, id, typ string) []cebind.Header {
	var c continued
	for i := range carried {
		if v := (arrived{event: ev}).extension(carried[i].extension); v != "" {
			c.extensions = append(c.extensions, cebind.Header{Name: carried[i].extension, Value: v})
		}
	}
	if e.host.Tracer == nil {
		return c.extensions
	}
	return e.spanOfReply(ctx, c, id, typ)
}

func (e *events) spanOfReply(ctx context.Context, c continued, id, typ string) []cebind.Header {
	_, span := e.host.Tracer.Start(ctx, tracing.Start{Kind: tracing.Exit, Name: "CloudEvents/" + typ, Peer: "event:" + typ, Layer: tracing.LayerMQ, Carrier: &c})
	span.Tag("cloudevents.id", id)
	span.End()
	return c.extensions
}

// answer tells a sender that its event was handled, with the reply event where there is one, in the event's own mode.
func answer(w http.ResponseWriter, req *http.Request, o outcome, structured bool) {
	if o.reply == nil {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	headers, body := o.reply.message()
	if structured {
		e, err := o.reply.event()
		if err == nil {
			headers, body, err = cebind.WriteJSON(*e)
		}
		if err != nil {
			w.WriteHeader(http.StatusAccepted) // the event was handled: that must be said
			return
		}
	}
	to, values := w.Header(), make([]string, len(headers)+1)
	for i, h := range headers {
		values[i] = h.Value
		to[http.CanonicalHeaderKey(h.Name)] = values[i : i+1 : i+1]
	}
	if prefers(req, "reply") {
		values[len(headers)] = "reply"
		to["Preference-Applied"] = values[len(headers):]
	}
	if len(body) >= buffered {
		to.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // the sender is gone: it will send the event again, and get the same
}

// buffered is what net/http holds of an answer: what is smaller it gives a Content-Length by itself.
const buffered = 2 << 10
