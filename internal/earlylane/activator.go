package earlylane

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
)

// Accepted is a connection on which a function has said who it is, but not proved that it is there itself.
type Accepted struct {
	// Hello is who it says that it is: to be believed once Opened has returned nil, since a hello can be said again by one who has overheard it.
	Hello Hello

	conn net.Conn
	handshake
}

// Accept is the activator's part on a connection that it accepted: it waits, 5 s at most and as long as ctx, for a function's hello, asks
// answer for that app's token and snapshot ([MaxSnapshotBytes] at most; may be empty), and greets. answer's error, or an empty token, refuses
// the function; the error's text is sent to it, who may be a stranger. One that doesn't know the token is refused too ([ErrProof]). When Accept
// fails conn is closed; the error names whom it refused.
//
// One that has been greeted still costs a connection until it has opened: the caller bounds how many there are.
func Accept(ctx context.Context, conn net.Conn, answer func(Hello) (token string, snapshot []byte, err error)) (*Accepted, error) {
	a := &Accepted{conn: conn}
	if err := within(ctx, conn, timeout, func() error { return a.accept(answer) }); err != nil {
		if a.Hello.App != "" {
			err = fmt.Errorf("app %q, instance %q: %w", a.Hello.App, a.Hello.Instance, err)
		}
		return nil, fmt.Errorf("early lane: accept: %w", err)
	}
	return a, nil
}

func (a *Accepted) accept(answer func(Hello) (string, []byte, error)) error {
	body, err := readFrame(a.conn, kindHello, maxHelloBytes)
	if err != nil {
		return refuse(a.conn, err)
	}
	var first proof
	a.hello, a.function, first, err = parseHello(body)
	if err != nil {
		return refuse(a.conn, fmt.Errorf("read hello: %w", err))
	}
	a.Hello = a.hello
	token, snapshot, err := answer(a.hello)
	switch {
	case err != nil:
		return refuse(a.conn, err)
	case token == "":
		return refuse(a.conn, errors.New("no token is configured for this app"))
	}
	a.token = token
	if !a.proves(inHello, nil, first[:]) { // else anybody could have a snapshot made and sent, and a place among those that get ready
		return refuse(a.conn, ErrProof)
	}
	if len(snapshot) > MaxSnapshotBytes {
		snapshot = nil // it is a hint only: the function is better off without it than without a lane
	}
	if _, err := rand.Read(a.activator[:]); err != nil {
		return err
	}
	sealed, err := a.seal(snapshot)
	if err != nil {
		return err
	}
	p := a.prove(fromActivator, sealed)
	if _, err := a.conn.Write(frame(kindGreeting, a.activator[:], p[:], sealed)); err != nil {
		return fmt.Errorf("write greeting: %w", err)
	}
	return nil
}

// Opened waits, as long as ctx, until the function is ready and has proved itself, and accepts it. It gives the function's ledger (JSON as the
// function says; may be empty). Then the connection is the caller's, to make a [Transport] of. When it fails the
// connection is closed; the error is [ErrProof], [ErrRefused] with the function's reason, or what reading gave.
func (a *Accepted) Opened(ctx context.Context) (ledger []byte, err error) {
	err = within(ctx, a.conn, 0, func() error {
		ledger, err = a.opened()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("early lane: app %q, instance %q: %w", a.Hello.App, a.Hello.Instance, err)
	}
	return ledger, nil
}

func (a *Accepted) opened() ([]byte, error) {
	body, err := readFrame(a.conn, kindOpen, len(proof{})+maxLedgerBytes)
	if errors.Is(err, ErrRefused) {
		return nil, err // there is nobody left to tell
	}
	if err == nil && len(body) < len(proof{}) {
		err = fmt.Errorf("read open: it has %d bytes, want %d at least", len(body), len(proof{}))
	}
	if err != nil {
		return nil, refuse(a.conn, err)
	}
	theirs, ledger := body[:len(proof{})], body[len(proof{}):]
	if !a.proves(fromFunction, ledger, theirs) {
		return nil, refuse(a.conn, ErrProof)
	}
	if _, err := a.conn.Write(frame(kindAccepted)); err != nil {
		return nil, fmt.Errorf("write accepted: %w", err)
	}
	return ledger, nil
}

// Close gives the connection up before it was opened.
func (a *Accepted) Close() error { return a.conn.Close() }
