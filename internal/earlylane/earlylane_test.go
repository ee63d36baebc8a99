package earlylane

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const secret = "a token that only the two know"

func greet() Hello {
	return Hello{App: "greet", Revision: "greet-00002", Instance: "greet-00002-abc", Limit: 5}
}

// pair gives two ends of one connection.
func pair(tb testing.TB) (function, activator net.Conn) {
	tb.Helper()
	function, activator = net.Pipe()
	tb.Cleanup(func() {
		_ = function.Close()
		_ = activator.Close()
	})
	return function, activator
}

func answers(token string, snapshot []byte) func(Hello) (string, []byte, error) {
	return func(Hello) (string, []byte, error) { return token, snapshot, nil }
}

// both runs a side each and gives their errors.
func both(function, activator func() error) (atFunction, atActivator error) {
	var wg sync.WaitGroup
	wg.Go(func() { atFunction = function() })
	wg.Go(func() { atActivator = activator() })
	wg.Wait()
	return atFunction, atActivator
}

func TestHandshakeTellsEachSideWhoTheOtherIs(t *testing.T) {
	t.Parallel()
	f, a := pair(t)
	snapshot := bytes.Repeat([]byte("warm "), 300_000)
	var ledger []byte
	var who Hello
	atFunction, atActivator := both(func() error {
		o, err := Offer(t.Context(), f, greet(), secret)
		if err != nil {
			return err
		}
		if !bytes.Equal(o.Snapshot, snapshot) {
			t.Errorf("the snapshot has %d bytes, want %d", len(o.Snapshot), len(snapshot))
		}
		return o.Open(t.Context(), []byte(`{"app":"greet"}`))
	}, func() error {
		acc, err := Accept(t.Context(), a, answers(secret, snapshot))
		if err != nil {
			return err
		}
		who = acc.Hello
		ledger, err = acc.Opened(t.Context())
		return err
	})
	if atFunction != nil || atActivator != nil {
		t.Fatalf("function: %v; activator: %v", atFunction, atActivator)
	}
	if who != greet() || string(ledger) != `{"app":"greet"}` {
		t.Errorf("got %+v with ledger %q", who, ledger)
	}
}

// The tokens differ, or one has none: both hear why, and neither learns anything of the other's token or snapshot.
func TestHandshakeRefusesAStranger(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mine, theirs string
		refusal      error
		function     error
		activator    error
		text         string
	}{
		"the activator has another token": {mine: secret, theirs: "another", function: ErrRefused, activator: ErrProof, text: "tokens differ"},
		"the activator has none":          {mine: secret, theirs: "", function: ErrRefused, text: "no token is configured"},
		"the app is unknown":              {mine: secret, theirs: secret, refusal: errors.New(`app "greet" is not known here`), function: ErrRefused, text: "not known here"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, a := pair(t)
			atFunction, atActivator := both(func() error {
				o, err := Offer(t.Context(), f, greet(), c.mine)
				if err == nil {
					_ = o.Close()
				}
				return err
			}, func() error {
				acc, err := Accept(t.Context(), a, func(Hello) (string, []byte, error) { return c.theirs, []byte("snapshot"), c.refusal })
				if err != nil {
					return err
				}
				_, err = acc.Opened(t.Context())
				return err
			})
			if !errors.Is(atFunction, c.function) || !strings.Contains(atFunction.Error(), c.text) {
				t.Errorf("function: %v, want %v with %q", atFunction, c.function, c.text)
			}
			if atActivator == nil || c.activator != nil && !errors.Is(atActivator, c.activator) || !strings.Contains(atActivator.Error(), `app "greet"`) {
				t.Errorf("activator: %v, want %v that names the app", atActivator, c.activator)
			}
			if strings.Contains(atFunction.Error()+atActivator.Error(), secret) {
				t.Error("an error shows the token")
			}
			for side, conn := range map[string]net.Conn{"function": f, "activator": a} {
				if _, err := conn.Write([]byte{0}); !errors.Is(err, io.ErrClosedPipe) {
					t.Errorf("the %s's connection is open: %v", side, err)
				}
			}
		})
	}
}

func TestOfferWithoutATokenSaysSo(t *testing.T) {
	t.Parallel()
	f, _ := pair(t)
	if _, err := Offer(t.Context(), f, greet(), ""); err == nil || !strings.Contains(err.Error(), "no token") {
		t.Errorf("got %v", err)
	}
}

func TestHelloIsChecked(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]Hello{
		"no app":          {Instance: "i"},
		"no instance":     {App: "a"},
		"a long name":     {App: strings.Repeat("a", maxNameBytes+1), Instance: "i"},
		"a line break":    {App: "a\nb", Instance: "i"},
		"no text":         {App: "a\xff", Instance: "i"},
		"a limit below 0": {App: "a", Instance: "i", Limit: -1},
		"an absurd limit": {App: "a", Instance: "i", Limit: MaxLimit + 1},
	} {
		if _, err := appendHello(h, nonce{}, proof{}); err == nil {
			t.Errorf("%s: no error", name)
		}
		f, _ := pair(t)
		if _, err := Offer(t.Context(), f, h, secret); err == nil {
			t.Errorf("%s: offered", name)
		}
	}
}

// rawHello writes a hello by hand and reads the greeting.
func rawHello(t *testing.T, conn net.Conn, h Hello, n nonce) (greeting []byte) {
	t.Helper()
	knows := handshake{token: secret, hello: h, function: n}
	body, err := appendHello(h, n, knows.prove(inHello, nil))
	if err != nil {
		t.Error(err)
		return nil
	}
	if _, err := conn.Write(frame(kindHello, body)); err != nil {
		t.Error(err)
		return nil
	}
	greeting, err = readFrame(conn, kindGreeting, maxGreetingBytes)
	if err != nil {
		t.Error(err)
	}
	return greeting
}

// What a stranger can say at the place of the function's proof: nothing that it heard serves.
func TestActivatorTakesNoProofThatIsNotThisConnectionsFunctions(t *testing.T) {
	t.Parallel()
	old := handshake{token: secret, hello: greet()} // a whole handshake that was overheard, with nonces of its own
	overheard := old.prove(fromFunction, nil)
	for name, forge := range map[string]func(greeting []byte) []byte{
		"a replay":                   func([]byte) []byte { return overheard[:] },
		"the activator's, reflected": func(g []byte) []byte { return g[nonceBytes : nonceBytes+len(proof{})] },
		"nothing":                    func([]byte) []byte { return nil },
		"a piece of one":             func(g []byte) []byte { return g[nonceBytes : nonceBytes+10] },
		"zeros":                      func([]byte) []byte { return make([]byte, len(proof{})) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, a := pair(t)
			_, atActivator := both(func() error {
				g := rawHello(t, f, greet(), nonce{1})
				if _, err := f.Write(frame(kindOpen, forge(g))); err != nil {
					return err
				}
				_, err := readFrame(f, kindAccepted, 0)
				if !errors.Is(err, ErrRefused) {
					t.Errorf("the stranger hears %v", err)
				}
				return err
			}, func() error {
				acc, err := Accept(t.Context(), a, answers(secret, nil))
				if err != nil {
					return err
				}
				_, err = acc.Opened(t.Context())
				return err
			})
			if atActivator == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestActivatorTakesNoProofForAnotherApp(t *testing.T) {
	t.Parallel()
	h := handshake{token: secret, hello: greet()}
	p := h.prove(fromFunction, nil)
	for name, other := range map[string]func(*handshake){
		"app":               func(h *handshake) { h.hello.App = "other" },
		"revision":          func(h *handshake) { h.hello.Revision = "greet-00003" },
		"instance":          func(h *handshake) { h.hello.Instance = "other" },
		"limit":             func(h *handshake) { h.hello.Limit = 6 },
		"function's nonce":  func(h *handshake) { h.function[0]++ },
		"activator's nonce": func(h *handshake) { h.activator[31]++ },
		"moved bytes":       func(h *handshake) { h.hello.App, h.hello.Revision = "greetgreet", "-00002" },
		"token":             func(h *handshake) { h.token = "another" },
	} {
		h := h
		other(&h)
		if h.proves(fromFunction, nil, p[:]) {
			t.Errorf("another %s: the proof serves", name)
		}
	}
	if h.proves(fromFunction, []byte("a ledger"), p[:]) || !h.proves(fromFunction, nil, p[:]) {
		t.Error("the proof is not that of what was said")
	}
}

// A stranger at the activator's address: the function never gets to say its proof.
func TestFunctionProvesNothingToAStranger(t *testing.T) {
	t.Parallel()
	f, a := pair(t)
	atFunction, _ := both(func() error {
		_, err := Offer(t.Context(), f, greet(), secret)
		return err
	}, func() error {
		body, err := readFrame(a, kindHello, maxHelloBytes)
		if err != nil {
			return err
		}
		_, n, _, err := parseHello(body)
		if err != nil {
			return err
		}
		// The function's own nonce as the activator's, and a proof of rubbish.
		if _, err := a.Write(frame(kindGreeting, n[:], make([]byte, len(proof{})))); err != nil {
			return err
		}
		rest, err := io.ReadAll(a)
		if !bytes.HasPrefix(rest, frame(kindError)[:5]) {
			t.Errorf("the stranger got %q", rest)
		}
		return err
	})
	if !errors.Is(atFunction, ErrProof) {
		t.Errorf("got %v", atFunction)
	}
}

// The snapshot may hold session tickets: only one that knows the token can read it.
func TestSnapshotIsSealed(t *testing.T) {
	t.Parallel()
	f, a := pair(t)
	both(func() error {
		g := rawHello(t, f, greet(), nonce{1})
		if bytes.Contains(g, []byte("ticket")) {
			t.Errorf("the greeting shows the snapshot: %q", g)
		}
		return f.Close()
	}, func() error {
		acc, err := Accept(t.Context(), a, answers(secret, []byte("ticket of a session")))
		if err != nil {
			return err
		}
		return acc.Close()
	})
}

func TestSnapshotOverTheLimitIsLeftOut(t *testing.T) {
	t.Parallel()
	f, a := pair(t)
	atFunction, atActivator := both(func() error {
		o, err := Offer(t.Context(), f, greet(), secret)
		if err == nil && len(o.Snapshot) != 0 {
			t.Errorf("got %d bytes", len(o.Snapshot))
		}
		return err
	}, func() error {
		_, err := Accept(t.Context(), a, answers(secret, make([]byte, MaxSnapshotBytes+1)))
		return err
	})
	if atFunction != nil || atActivator != nil {
		t.Errorf("function: %v; activator: %v", atFunction, atActivator)
	}
}

func TestLedgerOverTheLimitIsNotSent(t *testing.T) {
	t.Parallel()
	f, _ := pair(t)
	o := &Offered{conn: f, handshake: handshake{token: secret, hello: greet()}}
	if err := o.Open(t.Context(), make([]byte, maxLedgerBytes+1)); err == nil || !strings.Contains(err.Error(), "limit 4096") {
		t.Errorf("got %v", err)
	}
}

// Each says its piece to an activator that has only just accepted the connection.
func TestActivatorRefusesRubbish(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ say, want string }{
		"HTTP":                  {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "speaks something else"},
		"HTTP/2":                {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "speaks something else"},
		"another kind":          {string(frame(kindOpen)), "got open"},
		"an unknown kind":       {string(frame('z')), `got kind 'z'`},
		"an oversize hello":     {"dfn1h\xff\xff\xff\xff", "4294967295 bytes (limit 4096)"},
		"no JSON":               {string(frame(kindHello, []byte("rubbish"))), "not the JSON"},
		"no nonce":              {string(frame(kindHello, []byte(`{"app":"a","instance":"i"}`))), "nonce has 0 bytes"},
		"a nonce that is short": {string(frame(kindHello, []byte(`{"app":"a","instance":"i","nonce":"AAAA"}`))), "nonce has 3 bytes"},
		"no proof":              {string(frame(kindHello, []byte(`{"app":"a","instance":"i","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`))), "proof has 0 bytes"},
		"no app":                {string(frame(kindHello, []byte(`{"instance":"i","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","proof":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`))), "app is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, a := pair(t)
			_, atActivator := both(func() error {
				go func() { _, _ = io.WriteString(f, c.say) }() // the activator may not read all of it
				_, err := readFrame(f, kindGreeting, maxGreetingBytes)
				if !errors.Is(err, ErrRefused) {
					t.Errorf("the stranger hears %v", err)
				}
				return err
			}, func() error {
				_, err := Accept(t.Context(), a, func(Hello) (string, []byte, error) {
					t.Error("asked for a token")
					return "", nil, nil
				})
				return err
			})
			if atActivator == nil || !strings.Contains(atActivator.Error(), c.want) {
				t.Errorf("got %v, want %q", atActivator, c.want)
			}
		})
	}
}

// Peers that say nothing, or stop in the middle, cost 5 s and no goroutine.
func TestSlowPeersAreGivenUp(t *testing.T) {
	t.Parallel()
	hello, err := appendHello(greet(), nonce{1}, proof{})
	if err != nil {
		t.Fatal(err)
	}
	say := map[string][]byte{"silent": nil, "half a header": []byte("dfn1"), "half a body": frame(kindHello, hello)[:40]}
	for name, bytes := range say {
		t.Run("function "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, a := net.Pipe()
				go func() { _, _ = f.Write(bytes) }()
				begin := time.Now()
				_, err := Accept(t.Context(), a, answers(secret, nil))
				if err == nil || time.Since(begin) != timeout+goodbye { // nobody reads why, either
					t.Errorf("after %v: %v", time.Since(begin), err)
				}
				_ = f.Close()
			})
		})
		t.Run("activator "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, a := net.Pipe()
				go func() {
					_, _ = readFrame(a, kindHello, maxHelloBytes)
					_, _ = a.Write(bytes[:min(len(bytes), 4)])
				}()
				begin := time.Now()
				if _, err := Offer(t.Context(), f, greet(), secret); err == nil || time.Since(begin) != timeout {
					t.Errorf("after %v: %v", time.Since(begin), err)
				}
				_ = a.Close()
			})
		})
	}
}

func TestContextEndsEveryStep(t *testing.T) {
	t.Parallel()
	why := errors.New("the process ends")
	end := func(step func(context.Context, net.Conn) error) func(*testing.T) {
		return func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, a := net.Pipe()
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second, func() { cancel(why) })
				go func() { _, _ = io.Copy(io.Discard, a) }() // takes all and says nothing
				begin := time.Now()
				if err := step(ctx, f); !errors.Is(err, why) || time.Since(begin) != time.Second {
					t.Errorf("after %v: %v", time.Since(begin), err)
				}
				if _, err := f.Write([]byte{0}); !errors.Is(err, io.ErrClosedPipe) {
					t.Errorf("the connection is open: %v", err)
				}
				_ = a.Close()
			})
		}
	}
	state := handshake{token: secret, hello: greet()}
	t.Run("offer", end(func(ctx context.Context, c net.Conn) error {
		_, err := Offer(ctx, c, greet(), secret)
		return err
	}))
	t.Run("open", end(func(ctx context.Context, c net.Conn) error {
		return (&Offered{conn: c, handshake: state}).Open(ctx, nil)
	}))
	t.Run("opened", end(func(ctx context.Context, c net.Conn) error {
		_, err := (&Accepted{conn: c, handshake: state}).Opened(ctx)
		return err
	}))
	t.Run("accept", end(func(ctx context.Context, c net.Conn) error {
		_, err := Accept(ctx, c, answers(secret, nil))
		return err
	}))
}

// The activator waits for a function as long as its context, not as long as a frame may take.
func TestActivatorWaitsForAFunctionToBeReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, a := net.Pipe()
		atFunction, atActivator := both(func() error {
			o, err := Offer(t.Context(), f, greet(), secret)
			if err != nil {
				return err
			}
			time.Sleep(time.Minute)
			return o.Open(t.Context(), nil)
		}, func() error {
			acc, err := Accept(t.Context(), a, answers(secret, nil))
			if err != nil {
				return err
			}
			_, err = acc.Opened(t.Context())
			return err
		})
		if atFunction != nil || atActivator != nil {
			t.Errorf("function: %v; activator: %v", atFunction, atActivator)
		}
		_ = f.Close()
		_ = a.Close()
	})
}

func TestPeerThatGoesMidwayIsAnError(t *testing.T) {
	t.Parallel()
	f, a := pair(t)
	_, atActivator := both(func() error {
		rawHello(t, f, greet(), nonce{1})
		_, _ = f.Write([]byte("dfn1o\x00"))
		return f.Close()
	}, func() error {
		acc, err := Accept(t.Context(), a, answers(secret, nil))
		if err != nil {
			return err
		}
		_, err = acc.Opened(t.Context())
		return err
	})
	if !errors.Is(atActivator, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", atActivator)
	}
}
