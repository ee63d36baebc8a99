package dubbo

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/dubbofn/dubbofn/invoker"
)

func TestRelayTellsHowACallEndedThatItPassedOn(t *testing.T) {
	t.Parallel()
	frames := make(chan *Frame, 1)
	_, address := relayOn(t, relayFunc{relay: func(f *Frame) { frames <- f }}, ServerConfig{})
	c := dialPeer(t, address)
	thrown := throwable(&invoker.Exception{Class: "java.lang.IllegalStateException", Message: "no"})
	status := response(t, 1, withValue, "x")
	status[3] = statusServerTimeout
	for name, x := range map[string]struct {
		answer []byte
		code   invoker.Code
		threw  bool
	}{
		"a value":                     {answer: response(t, 1, withValue, "x")},
		"a large value":               {answer: response(t, 1, withValue, strings.Repeat("x", 100<<10))},
		"nothing, with attachments":   {answer: response(t, 1, withNull+attached, map[string]any{})},
		"an exception":                {answer: response(t, 1, withException, thrown), threw: true},
		"an exception, attachments":   {answer: response(t, 1, withException+attached, thrown, map[string]any{}), threw: true},
		"no body at all":              {answer: rawFrameOf(statusOK)},
		"the status of a late answer": {answer: status, code: invoker.CodeTimeout},
		"a status without a body":     {answer: rawFrameOf(statusServiceError), code: invoker.CodeServiceError},
	} {
		c.write(echoFrame(t, 1))
		f := <-frames
		if f.Outcome() != nil {
			t.Errorf("%s: an outcome before there is one", name)
		}
		unsent, err := f.Receive(bytes.NewReader(x.answer), -1)
		if err != nil || unsent != nil {
			t.Fatalf("%s: %v %v", name, unsent, err)
		}
		c.read()
		code, isError := invoker.CodeOf(f.Outcome())
		if errors.Is(f.Outcome(), errThrew) != x.threw || isError && code != x.code || !x.threw && !isError && f.Outcome() != nil || x.code != 0 && !isError {
			t.Errorf("%s: %v", name, f.Outcome())
		}
	}
}

// rawFrameOf is a response without a body.
func rawFrameOf(status byte) []byte {
	return appendHeader(nil, header{flags: serializationHess2, status: status, id: 1})
}
