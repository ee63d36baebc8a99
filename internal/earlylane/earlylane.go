// Package earlylane is how a function that has just started finds the activator that holds calls for it, before the platform has
// found the function: the function dials, each side proves that it knows the token, and the activator then sends its calls over
// this connection, as the client of HTTP/2 with prior knowledge.
//
//	function → activator   hello     who it is, a nonce, a first proof: only it is greeted who knows the token
//	activator → function   greeting  a nonce, the activator's proof, the snapshot (sealed)
//	function → activator   open      the function's proof, its ledger; sent once it is ready
//	activator → function   accepted  and the preface of HTTP/2 right after it
//
// A frame of the handshake is "dfn1", a byte for its kind, its length in 4 bytes (big-endian), and as many bytes. Whoever refuses says
// why in a frame of its own and closes. A proof is an HMAC-SHA256 under the token over a word for the side that proves, both nonces, and all
// that either side said, so that none serves for another connection, or for the other side. The first, in the hello, is over what the function
// chose itself: one who has overheard it may say it again, and is greeted, and no more. The snapshot is sealed under a key made of the
// same as the proofs: only one that knows the token can read it.
//
// The handshake tells strangers from friends. It doesn't hide or protect what follows from someone who sits on the way: that takes
// TLS below it. Everything here works over any [net.Conn].
package earlylane

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxSnapshotBytes bounds the snapshot of a greeting.
	MaxSnapshotBytes = 8 << 20
	// MaxLimit is the greatest that a [Hello] may have.
	MaxLimit = 1 << 20
)

const (
	// timeout bounds what one side waits for in the handshake, the function's getting ready left out.
	timeout = 5 * time.Second
	// goodbye is how long a peer that is refused may take to hear why.
	goodbye = time.Second

	maxHelloBytes  = 4 << 10
	maxLedgerBytes = 4 << 10
	maxWhyBytes    = 512
	maxNameBytes   = 256
	nonceBytes     = 32
)

var (
	// ErrProof says that the peer doesn't know the token, or that the connection is another than the proof was made for.
	ErrProof = errors.New("the peer's proof is wrong: the tokens differ")
	// ErrRefused says that the peer said no; the text after it is the peer's.
	ErrRefused = errors.New("refused by the peer")
)

// Hello is who a function says that it is.
type Hello struct {
	App      string // the Dubbo application, required
	Revision string // the Knative revision; empty elsewhere
	Instance string // the pod or the process, required
	Limit    int    // calls that it takes at once, up to 1048576; 0: as the activator has it
}

func (h Hello) validate() error {
	for _, f := range []struct {
		name, value string
		required    bool
	}{{"app", h.App, true}, {"revision", h.Revision, false}, {"instance", h.Instance, true}} {
		switch {
		case f.required && f.value == "":
			return fmt.Errorf("the %s is missing", f.name)
		case len(f.value) > maxNameBytes:
			return fmt.Errorf("the %s has %d bytes (limit %d)", f.name, len(f.value), maxNameBytes)
		case !utf8.ValidString(f.value) || strings.ContainsFunc(f.value, func(r rune) bool { return !unicode.IsPrint(r) }):
			return fmt.Errorf("the %s %q has a character that can't be printed", f.name, f.value)
		}
	}
	if h.Limit < 0 || h.Limit > MaxLimit {
		return fmt.Errorf("the limit is %d: want 0 to %d", h.Limit, MaxLimit)
	}
	return nil
}

// helloJSON is the body of a hello. Fields that a later version adds are passed over.
type helloJSON struct {
	App      string `json:"app"`
	Revision string `json:"revision,omitempty"`
	Instance string `json:"instance"`
	Limit    int    `json:"limit,omitempty"`
	Nonce    []byte `json:"nonce"`
	Proof    []byte `json:"proof"`
}

func appendHello(h Hello, n nonce, p proof) ([]byte, error) {
	if err := h.validate(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // six bytes for each < would be over the limit
	if err := enc.Encode(helloJSON{h.App, h.Revision, h.Instance, h.Limit, n[:], p[:]}); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func parseHello(b []byte) (h Hello, n nonce, p proof, err error) {
	var j helloJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return h, n, p, errors.New("it is not the JSON of a hello") // json's own words would quote a stranger's input
	}
	if len(j.Nonce) != len(n) {
		return h, n, p, fmt.Errorf("the nonce has %d bytes, want %d", len(j.Nonce), len(n))
	}
	if len(j.Proof) != len(p) {
		return h, n, p, fmt.Errorf("the proof has %d bytes, want %d", len(j.Proof), len(p))
	}
	h = Hello{j.App, j.Revision, j.Instance, j.Limit}
	copy(n[:], j.Nonce)
	copy(p[:], j.Proof)
	return h, n, p, h.validate()
}
