package cloudevent

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/invoker"
)

// failed says what a call's error means for its event.
func (e *events) failed(ctx context.Context, r *rule, ev *incoming, err error) outcome {
	var x *invoker.Exception
	if errors.As(err, &x) {
		if o, ok := elsewhere(r, x, err); ok {
			return o
		}
		return e.thrown(ctx, r, ev, x)
	}
	o := outcome{status: http.StatusServiceUnavailable, reason: err.Error(), word: wordRetry}
	code, ok := invoker.CodeOf(err)
	switch {
	case !ok:
	case code == invoker.CodeTimeout:
		o.status = http.StatusGatewayTimeout
	case code == invoker.CodeExhausted:
		o.status, o.after, o.word = http.StatusTooManyRequests, fullWait, wordFull
	case code == invoker.CodeBadRequest, code == invoker.CodeClient:
		o.status, o.word = http.StatusBadRequest, wordInvalid
	case code == invoker.CodeUnauthenticated:
		o.status, o.word = http.StatusForbidden, wordRefused
	case code == invoker.CodeBadResponse: // it has run: once more would be no better
		o.status, o.word = http.StatusUnprocessableEntity, wordFailed
	case code == invoker.CodeInternal, code == invoker.CodeServiceError:
		o.status = http.StatusInternalServerError
	}
	return o
}

// elsewhere tells of a function that failed since what it calls itself could not be reached: that may be cured by the next try, unless the rule says
// otherwise. A consumer would get a RuntimeException.
func elsewhere(r *rule, x *invoker.Exception, err error) (outcome, bool) {
	var c *called
	var cause *invoker.Error
	if !errors.As(err, &c) || !errors.As(c.own, &cause) || x.Class != "java.lang.RuntimeException" || r.Errors[x.Class] != "" || r.Errors["*"] != "" {
		return outcome{}, false
	}
	o := outcome{status: http.StatusServiceUnavailable, reason: x.Message, word: wordRetry}
	switch cause.Code {
	case invoker.CodeUnavailable, invoker.CodeExhausted, invoker.CodeNotFound:
	case invoker.CodeTimeout:
		o.status = http.StatusGatewayTimeout
	default:
		return outcome{}, false
	}
	return o, true
}

// thrown is the data of the event that an exception becomes.
type thrown map[string]any

// thrown says what a method's exception means, as the rule has it.
func (e *events) thrown(ctx context.Context, r *rule, ev *incoming, x *invoker.Exception) outcome {
	class, message := x.Class, x.Message
	if of, ok := x.Fields["exceptionClass"].(string); ok && !r.own { // a generic call's (Java: GenericException)
		class = of
		message, _ = x.Fields["exceptionMessage"].(string)
	}
	what, ok := r.Errors[class]
	if !ok {
		if what, ok = r.Errors["*"]; !ok {
			what = event.Final
		}
	}
	reason := class + ": " + message
	switch what {
	case event.Retry:
		return outcome{status: http.StatusServiceUnavailable, reason: reason, word: wordRetry}
	case event.Answer:
		typ := r.Reply.ErrorType
		if typ == "" {
			typ = r.Reply.Type + ".failed"
		}
		reply, err := e.reply(ctx, r, ev, typ, thrown{"exception": class, "message": message})
		if err == nil {
			return outcome{status: http.StatusOK, reply: reply, word: wordFailed}
		}
		reason += "; and that is no reply: " + err.Error()
	}
	return outcome{status: http.StatusUnprocessableEntity, reason: reason, word: wordFailed}
}

// sourceOf is a reply's own source.
func sourceOf(r *event.Reply, app string) string {
	if r.Source != "" {
		return r.Source
	}
	return "/" + app
}

const (
	// hopsLeft is the extension that counts down how often a reply may lead to another.
	hopsLeft       = "dubbofnttl"
	hopsLeftHeader = "Dubbofnttl"
	// hopsOfBroker is Knative's own, of its brokers: it counts what they pass on.
	hopsOfBroker = "knativebrokerttl"
)

// hops reads such an extension. What is no number leaves none.
func hops(ev *incoming, name string, otherwise int) int {
	v, ok := ev.attribute(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		return 0
	}
	return n
}
