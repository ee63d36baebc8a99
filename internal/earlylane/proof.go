package earlylane

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

type nonce [nonceBytes]byte

type proof [sha256.Size]byte

// handshake is what both sides of one connection have said so far.
type handshake struct {
	token     string
	hello     Hello
	function  nonce
	activator nonce
}

// The words that tell one use of the token from another.
const (
	fromActivator = "dubbofn early lane 1: activator"
	fromFunction  = "dubbofn early lane 1: function"
	inHello       = "dubbofn early lane 1: hello" // before there is a nonce of the activator
	sealsSnapshot = "dubbofn early lane 1: snapshot"
)

// prove gives what only one that knows the token can: over the nonces, what the function said of itself, and payload.
func (h *handshake) prove(word string, payload []byte) (p proof) {
	mac := hmac.New(sha256.New, []byte(h.token))
	put := func(b []byte) { // each with its length, so that nothing can be moved from one into the next
		_, _ = mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b)))) // a hash never fails
		_, _ = mac.Write(b)
	}
	put([]byte(word))
	put(h.function[:])
	put(h.activator[:])
	put([]byte(h.hello.App))
	put([]byte(h.hello.Revision))
	put([]byte(h.hello.Instance))
	put(binary.BigEndian.AppendUint32(nil, uint32(h.hello.Limit)))
	put(payload)
	mac.Sum(p[:0])
	return p
}

// proves compares in constant time.
func (h *handshake) proves(word string, payload, p []byte) bool {
	want := h.prove(word, payload)
	return hmac.Equal(want[:], p)
}

// seal encrypts the snapshot. The key is used once, since both nonces are in it; so the cipher's own nonce may be zero.
func (h *handshake) seal(snapshot []byte) ([]byte, error) {
	if len(snapshot) == 0 {
		return nil, nil
	}
	aead, err := h.aead()
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, make([]byte, aead.NonceSize()), snapshot, nil), nil
}

func (h *handshake) unseal(sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	aead, err := h.aead()
	if err != nil {
		return nil, err
	}
	snapshot, err := aead.Open(nil, make([]byte, aead.NonceSize()), sealed, nil)
	if err != nil {
		return nil, fmt.Errorf("open the snapshot: %w", err)
	}
	return snapshot, nil
}

func (h *handshake) aead() (cipher.AEAD, error) {
	key := h.prove(sealsSnapshot, nil)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fmt.Errorf("seal the snapshot: %w", err)
	}
	return cipher.NewGCM(block)
}

const sealBytes = 16 // what GCM adds
