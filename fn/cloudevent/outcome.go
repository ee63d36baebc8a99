package cloudevent

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"reflect"
	"strconv"
	"time"

	sdk "github.com/cloudevents/sdk-go/v2/event"

	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/internal/cebind"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/java"
)

// failed says what a call's error means for its event.
func (e *events) failed(ctx context.Context, r *rule, ev sdk.Event, err error) outcome {
	var x *invoker.Exception
	if errors.As(err, &x) {
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

// thrown says what a method's exception means, as the rule has it.
func (e *events) thrown(ctx context.Context, r *rule, ev sdk.Event, x *invoker.Exception) outcome {
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
		reply, err := e.reply(ctx, r, ev, typ, map[string]any{"class": class, "message": message})
		if err == nil {
			return outcome{status: http.StatusOK, reply: reply, word: wordFailed}
		}
		reason += "; and that is no reply: " + err.Error()
	}
	return outcome{status: http.StatusUnprocessableEntity, reason: reason, word: wordFailed}
}

// hopsLeft is the extension that counts down how often a reply may lead to another.
const hopsLeft = "dubbofnttl"

// reply makes the event that a result becomes. nil: it would be one too many.
func (e *events) reply(ctx context.Context, r *rule, ev sdk.Event, typ string, value any) (*sdk.Event, error) {
	left := e.cfg.Hops
	if v, ok := cebind.Attribute(ev, hopsLeft); ok {
		n, err := strconv.Atoi(v)
		if err != nil {
			n = 0
		}
		left = min(left, n)
	}
	if left <= 0 {
		e.host.Log.Warn("no reply: the event is the last of as many that led to one another as are allowed", "id", ev.ID(), "source", ev.Source(), "rule", r.label, "limit", e.cfg.Hops)
		return nil, nil
	}
	data, err := json.Marshal(plain(value, 0))
	if err != nil {
		return nil, err
	}
	out := sdk.New()
	sum := sha256.Sum256([]byte(ev.Source() + "\x00" + ev.ID() + "\x00" + r.label + "\x00" + typ))
	out.SetID(hex.EncodeToString(sum[:16])) // the same should the event be handled again
	source := r.Reply.Source
	if source == "" {
		source = "/" + e.host.App
	}
	out.SetSource(source)
	out.SetType(typ)
	out.SetTime(time.Now().UTC())
	if subject := ev.Subject(); subject != "" {
		out.SetSubject(subject)
	}
	if err := out.SetData(sdk.ApplicationJSON, json.RawMessage(data)); err != nil {
		return nil, err
	}
	out.SetExtension(hopsLeft, strconv.Itoa(left-1))
	if err := out.Validate(); err != nil {
		return nil, err
	}
	e.traceReply(ctx, &ev, &out)
	return &out, nil
}

const maxPlainDepth = 200

// plain gives a result as what encoding/json writes: maps with text as keys, byte[] as base64, numbers that JSON has no form for as text.
func plain(v any, depth int) any {
	if depth > maxPlainDepth {
		return nil // it contains itself, or is of no use to anybody
	}
	switch x := v.(type) {
	case nil, bool, string, int8, int16, int32, int64, int, json.Number:
		return v
	case float64, float32:
		if _, err := json.Marshal(x); err != nil {
			return fmt.Sprint(x)
		}
		return v
	case []byte:
		return base64.StdEncoding.EncodeToString(x)
	case time.Time:
		return x.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	case *big.Int:
		return json.Number(x.String())
	case *java.BigDecimal:
		return json.Number(x.String())
	case *java.Object:
		m := map[string]any{}
		for _, f := range x.Fields {
			m[f.Name] = plain(f.Value, depth+1)
		}
		return m
	case *java.Map:
		m := map[string]any{}
		for _, en := range x.Entries {
			m[fmt.Sprint(en.Key)] = plain(en.Value, depth+1)
		}
		return m
	case *java.List:
		return plain(x.Items, depth)
	}
	return plainOf(reflect.ValueOf(v), depth)
}

func plainOf(r reflect.Value, depth int) any {
	switch r.Kind() {
	case reflect.Map:
		m := map[string]any{}
		for k, e := range r.Seq2() {
			key := fmt.Sprint(k.Interface())
			if key == "class" && r.Type().Key().Kind() == reflect.Interface {
				continue // what a generic call names the Java class by
			}
			m[key] = plain(e.Interface(), depth+1)
		}
		return m
	case reflect.Slice, reflect.Array:
		items := make([]any, r.Len())
		for i := range items {
			items[i] = plain(r.Index(i).Interface(), depth+1)
		}
		return items
	}
	return fmt.Sprint(r.Interface())
}
