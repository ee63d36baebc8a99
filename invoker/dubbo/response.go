package dubbo

import (
	"fmt"
	"strings"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

// respond writes the response of a call that ran into r.out (Java: DubboCodec.encodeResponseData, 3.3).
func (r *request) respond(s *Server, sig *hessian.Signature, res *invoker.Result, callErr error) {
	if r.told.ledger && s.cfg.Ledger != nil {
		r.call.inv.Reply.Set(keyLedger, s.cfg.Ledger())
	}
	r.frame(s, statusOK)
	var err error
	if s.cfg.Codec != nil && callErr == nil {
		err = r.encodeWith(s.cfg.Codec, res)
	} else {
		err = r.encode(sig, res, callErr)
		r.out = r.enc.Bytes()
	}
	if err == nil && len(r.out)-headerBytes > s.cfg.MaxBytes {
		err = fmt.Errorf("the response has %d bytes (limit %d)", len(r.out)-headerBytes, s.cfg.MaxBytes)
	}
	if err != nil {
		r.refuse(s, statusBadResponse, fmt.Sprintf("write response of %s.%s: %v", r.names.path, r.names.method, err))
		return
	}
	setLength(r.out)
}

// frame begins a response in r.out.
func (r *request) frame(s *Server, status byte) {
	if r.out == nil && r.large {
		r.out = s.buffers.get(0)
	}
	r.out = appendHeader(r.out[:0], header{flags: serializationHess2, status: status, id: r.header.id})
	r.enc.Reset(s.cfg.Types, r.out)
}

// maxWhyBytes bounds the reason that a response gives: it may quote what a hostile request holds.
const maxWhyBytes = 4 << 10

// refuse writes a response that says why there is no result.
func (r *request) refuse(s *Server, status byte, why string) {
	if len(why) > maxWhyBytes {
		why = strings.ToValidUTF8(why[:maxWhyBytes], "") + " …"
	}
	r.frame(s, status)
	r.enc.String(why)
	r.out = r.enc.Bytes()
	setLength(r.out)
}

func (r *request) encode(sig *hessian.Signature, res *invoker.Result, callErr error) error {
	enc := &r.enc
	offset := int32(0)
	if r.names.attachments {
		offset = attached
	}
	switch {
	case callErr != nil:
		enc.Int(withException + offset)
		if err := enc.Value(throwable(callErr)); err != nil {
			return err
		}
	case res.Value == nil:
		enc.Int(withNull + offset)
	default:
		enc.Int(withValue + offset)
		if err := encodeResult(enc, sig.Result, res.Value); err != nil {
			return err
		}
	}
	if !r.names.attachments {
		return nil
	}
	return r.encodeAttachments(res)
}

func encodeResult(enc *hessian.Encoder, p *hessian.Plan, v any) error {
	if p == nil {
		return enc.Value(v)
	}
	return enc.Encode(p, v)
}

// encodeAttachments writes what the function set, what the Result carries, and the protocol version, as Java does.
func (r *request) encodeAttachments(res *invoker.Result) error {
	w := attachmentWriter{enc: &r.enc}
	r.enc.MapBegin("")
	reply := &r.call.inv.Reply
	for k, v := range reply.All() {
		if _, again := res.Attachments.Value(k); !again && k != keyDubbo {
			w.put(k, v)
		}
	}
	for k, v := range res.Attachments.All() {
		if k != keyDubbo {
			w.put(k, v)
		}
	}
	w.put(keyDubbo, protocolVersion)
	r.enc.MapEnd()
	return w.err
}
