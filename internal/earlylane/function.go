package earlylane

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
)

// Offered is a connection on which the activator has proved itself.
type Offered struct {
	// Snapshot is what the activator has for this start; empty where it has nothing.
	Snapshot []byte

	conn net.Conn
	handshake
}

// Offer is the function's first word on a connection that it dialled: it says who it is and waits, 5 s at most and as long as ctx, for the
// activator to greet it and to prove that it knows the token. When it fails conn is closed; the error is [ErrProof], [ErrRefused] with
// the activator's reason, or what reading gave.
func Offer(ctx context.Context, conn net.Conn, h Hello, token string) (*Offered, error) {
	o := &Offered{conn: conn, handshake: handshake{token: token, hello: h}}
	err := within(ctx, conn, timeout, o.offer)
	if err != nil {
		return nil, fmt.Errorf("early lane: offer: %w", err)
	}
	return o, nil
}

func (o *Offered) offer() error {
	if o.token == "" {
		return errors.New("no token: without one neither side knows the other")
	}
	if _, err := rand.Read(o.function[:]); err != nil {
		return err
	}
	body, err := appendHello(o.hello, o.function, o.prove(inHello, nil))
	if err != nil {
		return err
	}
	if _, err := o.conn.Write(frame(kindHello, body)); err != nil {
		return fmt.Errorf("write hello: %w", err)
	}
	body, err = readFrame(o.conn, kindGreeting, maxGreetingBytes)
	if err != nil {
		return err
	}
	if len(body) < nonceBytes+len(proof{}) {
		return fmt.Errorf("read greeting: it has %d bytes, want %d at least", len(body), nonceBytes+len(proof{}))
	}
	copy(o.activator[:], body)
	theirs, sealed := body[nonceBytes:nonceBytes+len(proof{})], body[nonceBytes+len(proof{}):]
	if !o.proves(fromActivator, sealed, theirs) {
		return refuse(o.conn, ErrProof)
	}
	o.Snapshot, err = o.unseal(sealed)
	return err
}

const maxGreetingBytes = nonceBytes + len(proof{}) + MaxSnapshotBytes + sealBytes

// Open is for when the function is ready: it proves itself, hands over its ledger so far (4 KiB at most; may be empty), and waits, 5 s at most
// and as long as ctx, until the activator has accepted. Then the connection is the caller's, to [Serve] on. When it fails the
// connection is closed.
func (o *Offered) Open(ctx context.Context, ledger []byte) error {
	err := within(ctx, o.conn, timeout, func() error { return o.open(ledger) })
	if err != nil {
		return fmt.Errorf("early lane: open: %w", err)
	}
	return nil
}

func (o *Offered) open(ledger []byte) error {
	if len(ledger) > maxLedgerBytes {
		return fmt.Errorf("the ledger has %d bytes (limit %d)", len(ledger), maxLedgerBytes)
	}
	p := o.prove(fromFunction, ledger)
	if _, err := o.conn.Write(frame(kindOpen, p[:], ledger)); err != nil {
		return fmt.Errorf("write open: %w", err)
	}
	_, err := readFrame(o.conn, kindAccepted, 0)
	return err
}

// Close gives the connection up before it was opened.
func (o *Offered) Close() error { return o.conn.Close() }
