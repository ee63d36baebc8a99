package dubbo

import (
	"fmt"
	"maps"
	"reflect"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

// Codec reads and writes the values of a body in place of the project's own codec: the arguments and attachments of a request,
// the kind, value and attachments of a response. The head of a request and exceptions stay with the project's own.
// hessian2lib.Codec is one. Safe for concurrent use.
type Codec interface {
	// Decode reads the first len(types) values of body, the i-th as types[i]. It keeps nothing of body.
	Decode(body []byte, types []reflect.Type) ([]any, error)
	// Encode appends values to buf as one body.
	Encode(buf []byte, values []any) ([]byte, error)
}

// decodeWith reads the arguments and attachments that follow the head by another codec.
func (r *request) decodeWith(c Codec, sig *hessian.Signature) error {
	types := make([]reflect.Type, len(sig.Params), len(sig.Params)+1)
	for i, p := range sig.Params {
		types[i] = p.Type()
	}
	types = append(types, reflect.TypeFor[map[string]any]())
	values, err := c.Decode(r.body[len(r.body)-r.dec.Remaining():], types)
	if err != nil {
		return err
	}
	if len(values) != len(types) {
		return fmt.Errorf("codec %T gave %d values, want %d", c, len(values), len(types))
	}
	last := len(values) - 1
	r.call.inv.Args = append(r.call.inv.Args, values[:last]...)
	attachments, _ := values[last].(map[string]any)
	for k, v := range attachments {
		if err := r.attach(k, v); err != nil {
			return err
		}
	}
	return nil
}

// encodeWith appends the body of a response that is no exception to r.out by another codec.
func (r *request) encodeWith(c Codec, res *invoker.Result) (err error) {
	kind, values := int32(withNull), []any{nil}
	if res.Value != nil {
		kind, values = withValue, append(values, res.Value)
	}
	if r.names.attachments {
		kind += attached
		attachments := map[string]any{}
		maps.Insert(attachments, r.call.inv.Reply.All())
		maps.Insert(attachments, res.Attachments.All())
		attachments[keyDubbo] = protocolVersion
		values = append(values, attachments)
	}
	values[0] = kind
	r.out, err = c.Encode(r.out, values)
	return err
}
