package earlylane

import (
	"bytes"
	"testing"
)

// A hello that was read says the same when it is written and read again.
func FuzzHello(f *testing.F) {
	good, err := appendHello(greet(), nonce{1, 2, 3}, proof{4, 5})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"app":"a","instance":"i","limit":1e5,"nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","proof":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","more":[{}]}`))
	f.Add([]byte(`{"app":"\ud800","instance":"i"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, n, p, err := parseHello(b)
		if err != nil {
			return
		}
		again, err := appendHello(h, n, p)
		if err != nil || len(again) > maxHelloBytes {
			t.Fatalf("%+v can't be written: %d bytes, %v", h, len(again), err)
		}
		if h2, n2, p2, err := parseHello(again); err != nil || h2 != h || n2 != n || p2 != p {
			t.Fatalf("%+v became %+v, %v", h, h2, err)
		}
	})
}

// A frame that was read is, written again, the bytes that were read; nothing behind it is touched.
func FuzzFrame(f *testing.F) {
	f.Add(frame(kindOpen, []byte("body"), []byte("more")))
	f.Add(frame(kindError, []byte("why")))
	f.Add([]byte("dfn1o\xff\xff\xff\xff"))
	f.Add([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		body, err := readFrame(r, kindOpen, 100)
		if err != nil {
			return
		}
		if again := frame(kindOpen, body); !bytes.Equal(again, b[:len(b)-r.Len()]) {
			t.Fatalf("%q became %q", b, again)
		}
	})
}

// The largest claims cost what arrives.
func TestFrameAllocatesWhatArrives(t *testing.T) {
	big := []byte("dfn1g\x00\x7f\xff\xff" + "only this much")
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := readFrame(bytes.NewReader(big), kindGreeting, maxGreetingBytes); err == nil {
				b.Fatal("no error")
			}
		}
	}).AllocedBytesPerOp()
	if allocated > 8<<10 {
		t.Errorf("%d bytes are allocated for a claim of 8 MiB", allocated)
	}
}
