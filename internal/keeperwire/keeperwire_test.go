package keeperwire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const secret = "a token that only the two know"

func TestFramesComeAsTheyWereSent(t *testing.T) {
	t.Parallel()
	large := bytes.Repeat([]byte("state"), maxStateBytes/5)
	b := Append(nil, Hello, 0, []byte("h"))
	b = Append(b, State, 0, large)
	b = Append(b, Opened, 7, nil)
	b = AppendWhy(b, Close, 1<<31, strings.Repeat("w", 2*maxWhyBytes))
	r := NewReader(bytes.NewReader(b))
	for _, want := range []struct {
		Header
		body []byte
	}{
		{Header{Hello, 0, 1}, []byte("h")}, {Header{State, 0, len(large)}, large}, {Header{Opened, 7, 0}, nil},
		{Header{Close, 1 << 31, maxWhyBytes}, bytes.Repeat([]byte("w"), maxWhyBytes)},
	} {
		h, body, err := r.Next()
		if err != nil || h != want.Header || !bytes.Equal(body, want.body) {
			t.Errorf("got %+v with %d bytes, %v; want %+v", h, len(body), err, want.Header)
		}
	}
	if _, _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func TestFramesThatLieAreRefusedBeforeTheyAreRead(t *testing.T) {
	t.Parallel()
	head := func(k byte, n uint32) []byte {
		b := append([]byte{k}, 0, 0, 0, 1)
		return binary.BigEndian.AppendUint32(b, n)
	}
	for name, b := range map[string][]byte{
		"no kind":      head(0, 0),
		"unknown kind": head(99, 0),
		"long hello":   head(byte(Hello), maxHelloBytes+1),
		"long data":    head(byte(Data), MaxDataBytes+1),
		"absurd state": head(byte(State), 1<<32-1),
		"cut header":   head(byte(Data), 4)[:5],
		"cut body":     append(head(byte(Data), 4), 1, 2),
	} {
		if h, _, err := NewReader(bytes.NewReader(b)).Next(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: got %+v, %v", name, h, err)
		}
	}
}

// shake runs both sides; each gives its error.
func shake(t *testing.T, mine, theirs string, forge func([]byte) []byte) (borrower, keeper error) {
	t.Helper()
	near, far := net.Pipe()
	var wg sync.WaitGroup
	wg.Go(func() {
		defer func() { _ = far.Close() }()
		h, who, greeting, r, err := Accept(far, func(Who) (string, error) { return theirs, nil })
		if err != nil {
			keeper = err
			return
		}
		if who.App != "shop" || who.Instance != "shop-1" {
			t.Errorf("the keeper sees %+v", who)
		}
		if _, err := far.Write(greeting); err != nil {
			keeper = err
			return
		}
		head, body, err := r.Next()
		if err != nil {
			keeper = err
			return
		}
		keeper = h.Proved(head.Kind, body)
	})
	borrower = func() error {
		h, hello, err := Begin("shop", "shop-1", mine)
		if err != nil {
			return err
		}
		if _, err := near.Write(hello); err != nil {
			return err
		}
		head, body, err := NewReader(near).Next()
		if err != nil {
			return err
		}
		proof, err := h.Greeted(head.Kind, body)
		if err != nil {
			return err
		}
		if forge != nil {
			proof = forge(append([]byte(nil), body...))
		}
		_, err = near.Write(proof)
		return err
	}()
	if borrower != nil {
		_ = near.Close()
	}
	wg.Wait()
	_ = near.Close()
	return borrower, keeper
}

func TestHandshakeTellsFriendsFromStrangers(t *testing.T) {
	t.Parallel()
	if b, k := shake(t, secret, secret, nil); b != nil || k != nil {
		t.Errorf("friends: borrower %v, keeper %v", b, k)
	}
	if b, k := shake(t, secret, "another", nil); !errors.Is(k, errProof) || b == nil {
		t.Errorf("the keeper has another token: borrower %v, keeper %v", b, k)
	}
	if _, k := shake(t, secret, "", nil); k == nil || !strings.Contains(k.Error(), "no token") {
		t.Errorf("the keeper has none: %v", k)
	}
	for name, forge := range map[string]func([]byte) []byte{
		"the keeper's proof, reflected": func(g []byte) []byte { return Append(nil, Proof, 0, g[nonceBytes:]) },
		"nothing":                       func([]byte) []byte { return Append(nil, Proof, 0, nil) },
		"another frame":                 func([]byte) []byte { return Append(nil, Ask, 0, []byte("{}")) },
	} {
		if _, k := shake(t, secret, secret, forge); k == nil || strings.Contains(k.Error(), secret) {
			t.Errorf("%s: the keeper says %v", name, k)
		}
	}
	if _, _, err := Begin("shop", "i", ""); err == nil {
		t.Error("a borrower without a token begins")
	}
	if _, _, err := Begin("sh\nop", "i", secret); err == nil {
		t.Error("an app with a line break begins")
	}
}

func TestBorrowerTakesNoGreetingOfAStranger(t *testing.T) {
	t.Parallel()
	h, _, err := Begin("shop", "i", secret)
	if err != nil {
		t.Fatal(err)
	}
	stranger := &Handshake{token: "another", hello: h.hello, nonce: make([]byte, nonceBytes)}
	for name, proof := range map[string][]byte{"another token": stranger.prove(fromKeeper), "its own first word": h.prove(firstWord), "nothing": make([]byte, proofBytes)} {
		if _, err := h.Greeted(Greeting, append(make([]byte, nonceBytes), proof...)); !errors.Is(err, errProof) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.Greeted(Refused, []byte("no")); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
}

func TestHelloIsChecked(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]string{
		"another protocol": "dfn1",
		"a Dubbo frame":    "\xda\xbb\xc2\x00",
		"no proof":         magic + string(Append(nil, Hello, 0, []byte("{}"))),
		"no JSON":          magic + string(Append(nil, Hello, 0, append(make([]byte, proofBytes), "{"...))),
		"no app":           magic + string(Append(nil, Hello, 0, append(make([]byte, proofBytes), `{"instance":"i"}`...))),
		"a short nonce":    magic + string(Append(nil, Hello, 0, append(make([]byte, proofBytes), `{"app":"a","instance":"i","nonce":"AAAA"}`...))),
		"another frame":    magic + string(Append(nil, Ask, 0, []byte(`{}`))),
	} {
		_, _, _, _, err := Accept(strings.NewReader(b), func(Who) (string, error) {
			t.Errorf("%s: its token was asked for", name)
			return secret, nil
		})
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestTargetsAreChecked(t *testing.T) {
	t.Parallel()
	for _, good := range []Target{{Address: "10.0.0.1:20880"}, {Address: "[::1]:1"}, {Address: "orders.example:20880", TLS: true, Name: "*"}} {
		if err := good.Validate(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for _, bad := range []Target{
		{}, {Address: "a"}, {Address: ":1"}, {Address: "a:0"}, {Address: "a:65536"}, {Address: "a:x"}, {Address: "a b:1"}, {Address: "a\n:1"},
		{Address: strings.Repeat("a", 300) + ":1"}, {Address: "[fe80::1%eth0]:1"}, {Address: "user@a:1"}, {Address: "a:1", Name: "b"}, {Address: "a:1", TLS: true, Name: "b/c"},
	} {
		if err := bad.Validate(); err == nil {
			t.Errorf("%+v is fine", bad)
		}
	}
}

func TestMessagesAreBounded(t *testing.T) {
	t.Parallel()
	var q Question
	if err := Parse([]byte(`{"lend":true}`), &q); err != nil || !q.Lend {
		t.Errorf("got %+v, %v", q, err)
	}
	l := Lesson{Relay: make([]Target, MaxTargets+1)}
	for i := range l.Relay {
		l.Relay[i].Address = "a:1"
	}
	b, err := AppendMessage(nil, Learn, 0, l)
	if err != nil {
		t.Fatal(err)
	}
	if err := Parse(b[HeaderBytes:], &Lesson{}); err == nil || !strings.Contains(err.Error(), "limit 1024") {
		t.Errorf("too many targets: %v", err)
	}
	if _, err := AppendMessage(nil, Open, 0, Target{Address: strings.Repeat("a", maxHelloBytes)}); err == nil {
		t.Error("a message that is too long is written")
	}
	if err := Parse([]byte(`{"watches":[{"name":"`+strings.Repeat("a", maxHelloBytes+1)+`"}]}`), &Lesson{}); err == nil {
		t.Error("a watch with an absurd name is taken")
	}
}

func TestWriterBoundsWhatWaits(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	w := NewWriter(near, 100)
	ran := make(chan error, 1)
	go func() { ran <- w.Run() }()
	add := func(b []byte) []byte { return append(b, make([]byte, 60)...) }
	if !w.Send(60, add) {
		t.Fatal("the first finds no room")
	}
	if w.Send(60, add) {
		t.Error("the second finds room")
	}
	waited := make(chan bool, 1)
	stays := func() bool { return false }
	go func() { waited <- w.SendWait(stays, add) }()
	if _, err := io.ReadFull(far, make([]byte, 60)); err != nil {
		t.Fatal(err)
	}
	if !<-waited {
		t.Error("one that waited finds no room though there is")
	}
	if _, err := io.ReadFull(far, make([]byte, 60)); err != nil {
		t.Fatal(err)
	}
	w.Stop()
	_ = near.Close()
	if err := <-ran; err != nil {
		t.Errorf("Run: %v", err)
	}
	if w.Send(1, add) || w.SendWait(stays, add) {
		t.Error("a writer that has ended takes more")
	}
	_ = far.Close()
}

func FuzzFrames(f *testing.F) {
	f.Add(Append(Append(nil, Hello, 0, []byte("{}")), Data, 3, []byte("abc")))
	f.Add([]byte{byte(State), 0, 0, 0, 0, 0, 0x80, 0, 0})
	f.Fuzz(func(t *testing.T, in []byte) {
		r := NewReader(bytes.NewReader(in))
		var out []byte
		for {
			h, body, err := r.Next()
			if err != nil {
				break
			}
			out = Append(out, h.Kind, h.Channel, body)
			var l Lesson
			var a Answer
			var tg Target
			_, _, _ = Parse(body, &l), Parse(body, &a), Parse(body, &tg)
		}
		if !bytes.HasPrefix(in, out) {
			t.Error(cmp.Diff(in, out))
		}
	})
}

func FuzzHello(f *testing.F) {
	_, hello, err := Begin("shop", "shop-1", secret)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(hello)
	f.Fuzz(func(t *testing.T, in []byte) {
		_, who, greeting, _, err := Accept(bytes.NewReader(in), func(Who) (string, error) { return secret, nil })
		if err == nil && (who.App == "" || len(greeting) != HeaderBytes+nonceBytes+proofBytes) {
			t.Errorf("accepted %+v", who)
		}
	})
}

func TestReaderAllocatesWhatComesNotWhatIsClaimed(t *testing.T) {
	b := binary.BigEndian.AppendUint32([]byte{byte(State), 0, 0, 0, 0}, maxStateBytes)
	r := testing.Benchmark(func(tb *testing.B) {
		for tb.Loop() {
			if _, _, err := NewReader(bytes.NewReader(b)).Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
				tb.Fatal(err)
			}
		}
	})
	if n := r.AllocedBytesPerOp(); n > 256<<10 {
		t.Errorf("%d bytes for %d that came", n, len(b))
	}
}
