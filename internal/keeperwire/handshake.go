package keeperwire

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	magic        = "dfk1"
	nonceBytes   = 32
	proofBytes   = sha256.Size
	maxNameBytes = 256

	firstWord    = "dubbofn keeper 1: hello"
	fromKeeper   = "dubbofn keeper 1: keeper"
	fromBorrower = "dubbofn keeper 1: borrower"
)

var (
	// errProof says that the peer doesn't know the token.
	errProof = errors.New("the peer's proof is wrong: the tokens differ")
	// ErrRefused says that the peer said no; the text after it is the peer's.
	ErrRefused = errors.New("refused by the peer")
)

// Who is what a borrower says of itself.
type Who struct {
	App      string `json:"app"`      // the Dubbo application
	Instance string `json:"instance"` // the pod or the process, for the keeper's log
	Nonce    []byte `json:"nonce"`    // of the borrower, 32 bytes
}

func (w Who) validate() error {
	for _, f := range [...]struct{ name, value string }{{"app", w.App}, {"instance", w.Instance}} {
		switch {
		case f.value == "":
			return fmt.Errorf("the %s is missing", f.name)
		case len(f.value) > maxNameBytes:
			return fmt.Errorf("the %s has %d bytes (limit %d)", f.name, len(f.value), maxNameBytes)
		case !utf8.ValidString(f.value) || strings.ContainsFunc(f.value, func(r rune) bool { return !unicode.IsPrint(r) }):
			return fmt.Errorf("the %s %q has a character that can't be printed", f.name, f.value)
		}
	}
	if len(w.Nonce) != nonceBytes {
		return fmt.Errorf("the nonce has %d bytes, want %d", len(w.Nonce), nonceBytes)
	}
	return nil
}

// Handshake is one side of it.
type Handshake struct {
	token string
	hello []byte // as it stands on the wire
	nonce []byte // the keeper's
}

// prove gives the proof of one side.
func (h *Handshake) prove(side string) []byte {
	m := hmac.New(sha256.New, []byte(h.token))
	for _, part := range [...][]byte{[]byte(side), h.hello, h.nonce} {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(part)))
		m.Write(n[:])
		m.Write(part)
	}
	return m.Sum(nil)
}

func (h *Handshake) check(side string, proof []byte) error {
	if h.token == "" || !hmac.Equal(proof, h.prove(side)) {
		return errProof
	}
	return nil
}

// Begin is the borrower's first part: what it sends.
func Begin(app, instance, token string) (*Handshake, []byte, error) {
	if token == "" {
		return nil, nil, errors.New("no token")
	}
	w := Who{App: app, Instance: instance, Nonce: make([]byte, nonceBytes)}
	if _, err := rand.Read(w.Nonce); err != nil {
		return nil, nil, err
	}
	if err := w.validate(); err != nil {
		return nil, nil, err
	}
	body, err := json.Marshal(w)
	if err != nil {
		return nil, nil, err
	}
	h := &Handshake{token: token, hello: body}
	return h, Append([]byte(magic), Hello, 0, append(h.prove(firstWord), body...)), nil
}

// Greeted is the borrower's second part: it checks the greeting, and gives the frame that is to be sent first.
func (h *Handshake) Greeted(k Kind, body []byte) ([]byte, error) {
	switch {
	case k == Refused:
		return nil, fmt.Errorf("%w: %q", ErrRefused, body)
	case k != Greeting || len(body) != nonceBytes+proofBytes:
		return nil, fmt.Errorf("read greeting: it is %v of %d bytes", k, len(body))
	}
	h.nonce = append([]byte(nil), body[:nonceBytes]...)
	if err := h.check(fromKeeper, body[nonceBytes:]); err != nil {
		return nil, err
	}
	return Append(nil, Proof, 0, h.prove(fromBorrower)), nil
}

// Accept is the keeper's first part: it reads a hello from r, which has not been read from, asks for the application's token, and gives the
// greeting to send and a Reader of what follows. The error of token is the peer's to hear.
func Accept(r io.Reader, token func(Who) (string, error)) (h *Handshake, who Who, greeting []byte, next *Reader, err error) {
	var m [len(magic)]byte
	if _, err := io.ReadFull(r, m[:]); err != nil {
		return nil, who, nil, nil, fmt.Errorf("read hello: %w", err)
	}
	if string(m[:]) != magic {
		return nil, who, nil, nil, fmt.Errorf("read hello: it begins with %q, want %q", m, magic)
	}
	next = NewReader(r)
	head, body, err := next.Next()
	if err == nil && head.Kind != Hello {
		err = fmt.Errorf("it is %v", head.Kind)
	}
	if err != nil {
		return nil, who, nil, nil, fmt.Errorf("read hello: %w", err)
	}
	if len(body) < proofBytes {
		return nil, Who{}, nil, nil, errors.New("read hello: it is too short")
	}
	shown, body := body[:proofBytes], body[proofBytes:]
	if json.Unmarshal(body, &who) != nil { // its own words would quote a stranger's input
		return nil, Who{}, nil, nil, errors.New("read hello: it is not the JSON of a hello")
	}
	if err := who.validate(); err != nil {
		return nil, Who{}, nil, nil, fmt.Errorf("read hello: %w", err)
	}
	h = &Handshake{hello: append([]byte(nil), body...)}
	if h.token, err = token(who); err != nil {
		return nil, who, nil, nil, err
	}
	if h.token == "" {
		return nil, who, nil, nil, errors.New("no token is configured for this app")
	}
	// The first word may be one that was overheard; but whoever has heard nothing gets no proof to guess a weak token from.
	if err := h.check(firstWord, shown); err != nil {
		return nil, who, nil, nil, fmt.Errorf("read hello: %w", err)
	}
	h.nonce = make([]byte, nonceBytes)
	if _, err := rand.Read(h.nonce); err != nil {
		return nil, who, nil, nil, err
	}
	return h, who, Append(nil, Greeting, 0, append(append([]byte(nil), h.nonce...), h.prove(fromKeeper)...)), next, nil
}

// Proved is the keeper's second part: it checks the borrower's first frame.
func (h *Handshake) Proved(k Kind, body []byte) error {
	if k != Proof {
		return fmt.Errorf("read proof: it is %v", k)
	}
	return h.check(fromBorrower, body)
}
