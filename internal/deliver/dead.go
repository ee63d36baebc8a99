package deliver

import (
	"encoding/base64"
	"strconv"

	"github.com/cloudevents/sdk-go/v2/event"
)

// The extensions of a dead letter are Knative's (its delivery specification), so that one consumer reads the dead letters of both.
const (
	deadDest = "knativeerrordest" // who could not handle it
	deadCode = "knativeerrorcode" // as HTTP would have answered
	deadData = "knativeerrordata" // why, in base64
	// maxReasonBytes is what Knative keeps of an answer.
	maxReasonBytes = 1024
)

// Dead gives the event as a dead letter: as it was, and why it is one. The event it is made from keeps its extensions.
func Dead(e event.Event, dest string, r Result) event.Event {
	d := e.Clone()
	for _, x := range Marks(dest, r) {
		d.SetExtension(x[0], x[1])
	}
	return d
}

// Marks are the extensions of a dead letter, for what is no event and can't be given any.
func Marks(dest string, r Result) [][2]string {
	code := r.Code
	if code == 0 {
		code = 500
	}
	reason := r.Reason
	if len(reason) > maxReasonBytes {
		reason = reason[:maxReasonBytes]
	}
	return [][2]string{{deadDest, dest}, {deadCode, strconv.Itoa(code)}, {deadData, base64.StdEncoding.EncodeToString([]byte(reason))}}
}
