package dubbo

import (
	"fmt"
	"strings"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

// protocolVersion is what frames say of themselves (Java: Version.DEFAULT_DUBBO_PROTOCOL_VERSION, 2.7.23 and 3.3).
const protocolVersion = "2.0.2"

// The attachments that the wire itself reads or writes (Java: CommonConstants, 2.7.23 and 3.3).
const (
	keyPath              = "path"
	keyInterface         = "interface"
	keyVersion           = "version"
	keyGroup             = "group"
	keyDubbo             = "dubbo"
	keyTimeout           = "timeout"
	keyTimeoutLeft       = "_TO" // TIMEOUT_ATTACHMENT_KEY: what a consumer's countdown has left
	keyApplication       = "application"
	keyRemoteApplication = "remote.application"
	keyLedger            = "dubbofn.ledger" // of a request: asks for the ledger of the process's start; of a response: its JSON
)

// The flags that a response's body begins with (Java: DubboCodec).
const (
	withException = 0
	withValue     = 1
	withNull      = 2
	attached      = 3 // added to each where attachments follow
)

// readsAttachments tells whether a consumer that speaks this protocol version reads the attachments of a response: those of
// 2.0.2 to 2.0.99 do (Java: Version.isSupportResponseAttachment and getIntVersion, 3.3).
func readsAttachments(version string) bool {
	if version == protocolVersion {
		return true
	}
	if version == "" {
		return false
	}
	parts := strings.Split(version, ".")
	if len(parts) > 4 {
		return false
	}
	n := 0
	for _, p := range parts {
		d := 0
		for _, c := range []byte(p) {
			if c < '0' || c > '9' || d > 9999 {
				break
			}
			d = 10*d + int(c-'0')
		}
		n = 100*n + d
	}
	if len(parts) == 3 {
		n *= 100
	}
	return 2_000_200 <= n && n <= 2_009_900
}

// attachmentMap writes a map of attachments; extra, where it isn't empty, is the protocol version under "dubbo".
type attachmentWriter struct {
	enc *hessian.Encoder
	err error
}

// maxAttachments bounds those of a request or a response: to look each up among all takes time.
const maxAttachments = 4096

// attach adds an attachment that was read.
func attach(to *invoker.Attachments, key string, value any) error {
	if to.Len() >= maxAttachments {
		return fmt.Errorf("more than %d", maxAttachments)
	}
	to.Set(key, value)
	return nil
}

// usualAttachments is how many a Java consumer's request has, and some.
const usualAttachments = 6

func (w *attachmentWriter) put(key string, value any) {
	if s, ok := value.(string); ok {
		w.text(key, s)
	} else if w.err == nil {
		w.enc.String(key)
		w.err = w.enc.Value(value)
	}
}

func (w *attachmentWriter) text(key, value string) {
	if w.err == nil {
		w.enc.String(key)
		w.enc.String(value)
	}
}
