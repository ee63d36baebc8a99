package dubbo

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

// keyStatus is a response's attachment: the status that an exception stands for.
const keyStatus = "dubbofn.status"

// Fail answers with the status of a code and the reason, as Refuse does, for a call that may have run and must not run again. It does so as if the
// method had thrown what Java makes of that status, an RpcException, since Java's consumers send a call again that ends with the status itself,
// three times in all by default: at application level they don't see the "retries" that a provider publishes (Java:
// FailoverClusterInvoker, 3.3.6). Their strict list of classes has RpcException. Consumers of this module see the status, by an attachment. It
// doesn't block.
func (f *Frame) Fail(code invoker.Code, why string) {
	if !f.header.twoWay() {
		f.Refuse(code, why)
		return
	}
	if !f.claim() {
		return
	}
	if len(why) > maxWhyBytes {
		why = strings.ToValidUTF8(why[:maxWhyBytes], "") + " …"
	}
	out, err := f.failure(statusOf(code), why)
	if err != nil { // of a text that can't be written
		f.refused(statusOf(code), why)
		return
	}
	f.conn.w.send(out, false)
	f.over()
}

// didNotRun ends the reason of a status that by itself leaves open whether the call ran. Java's consumers show it; those of this module heed it.
const didNotRun = "; the call did not run"

// NotRun answers as Refuse does, for a call that surely did not run, and says so where the status of the code does not. It doesn't block.
func (f *Frame) NotRun(code invoker.Code, why string) {
	status := statusOf(code)
	if _, maybe := codeOf(status); maybe {
		why = withoutRun(why)
	}
	f.refuse(status, why)
}

func withoutRun(why string) string {
	if len(why) > maxWhyBytes-len(didNotRun) {
		why = strings.ToValidUTF8(why[:maxWhyBytes-len(didNotRun)-len(" …")], "") + " …"
	}
	return why + didNotRun
}

// What Java calls the outcomes of a status (RpcException, AsyncToSyncInvoker, 3.3.6).
const (
	classRPC   = "org.apache.dubbo.rpc.RpcException"
	rpcNetwork = 1
	rpcTimeout = 2
)

func (f *Frame) failure(status byte, why string) ([]byte, error) {
	var enc hessian.Encoder
	enc.Reset(f.s.cfg.Types, appendHeader(make([]byte, 0, headerBytes+len(why)+512), header{flags: serializationHess2, status: statusOK, id: f.header.id}))
	attachments := readsAttachments(string(f.attached.protocol))
	offset := int32(0)
	if attachments {
		offset = attached
	}
	enc.Int(withException + offset)
	kind := int32(rpcNetwork)
	if status == statusServerTimeout {
		kind = rpcTimeout
	}
	thrown := &invoker.Exception{Class: classRPC, Message: why, Fields: map[string]any{"code": kind}}
	if err := enc.Value(throwable(thrown)); err != nil {
		return nil, err
	}
	if attachments {
		w := attachmentWriter{enc: &enc}
		enc.MapBegin("")
		w.text(keyDubbo, protocolVersion)
		w.text(keyStatus, strconv.Itoa(int(status)))
		enc.MapEnd()
	}
	out := enc.Bytes()
	setLength(out)
	return out, nil
}

// failed gives the error behind an exception that [Frame.Fail] wrote; nil behind one that a method threw.
func failed(res *invoker.Result, thrown error) error {
	status, err := strconv.ParseUint(res.Attachments.Get(keyStatus), 10, 8)
	var e *invoker.Exception
	if err == nil && errors.As(thrown, &e) {
		code, _ := codeOf(byte(status))
		return &invoker.Error{Code: code, Err: fmt.Errorf("status %d %s: %s", status, statusName(byte(status)), e.Message), Remote: true, MaybeExecuted: true}
	}
	return nil
}
