package serve

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/dubbofn/dubbofn/registry"
)

func TestMetadataV2AnswersAsAGRPCMethodOverH2C(t *testing.T) {
	t.Parallel()
	m := registry.Metadata{App: "greet", Services: []registry.Service{{Name: "org.example.GreetService", Version: "1.0", Group: "blue", Protocol: "dubbo", Params: map[string]string{"timeout": "10000"}}}}
	url, client := serveH2C(t, metadataV2(func() registry.Metadata { return m }))
	call := func(method string, request []byte) (status string, body []byte) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+metadataV2Path+method, bytes.NewReader(request))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err = io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if status = resp.Trailer.Get("Grpc-Status"); status == "" {
			status = resp.Header.Get("Grpc-Status")
		}
		return status, body
	}
	ask := func(revision string) []byte {
		msg := protoString(nil, 1, revision)
		return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(msg))), msg...)
	}
	status, body := call("getMetadataInfo", ask(m.Revision()))
	if status != "0" || len(body) < 5 || int(binary.BigEndian.Uint32(body[1:])) != len(body)-5 {
		t.Fatalf("status %q, body %q", status, body)
	}
	for _, want := range []string{"greet", m.Revision(), "blue/org.example.GreetService:1.0:dubbo", "timeout", "10000"} {
		if !strings.Contains(string(body), want) {
			t.Errorf("answer lacks %q: %q", want, body)
		}
	}
	for name, c := range map[string]struct {
		method string
		body   []byte
		status string
	}{
		"another revision": {"GetMetadataInfo", ask("0123"), "5"},
		"another method":   {"Delete", ask(""), "12"},
		"no frame":         {"GetMetadataInfo", []byte{1, 2}, "3"},
		"lying length":     {"GetMetadataInfo", []byte{0, 0, 0, 0, 2, 10, 200}, "3"},
		"too long":         {"GetMetadataInfo", make([]byte, metadataV2MaxRequest+1), "3"},
	} {
		if status, _ := call(c.method, c.body); status != c.status {
			t.Errorf("%s: status %q, want %q", name, status, c.status)
		}
	}
}

// serveH2C runs a handler on loopback until the test ends.
func serveH2C(t *testing.T, h http.Handler) (url string, client *http.Client) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: h, Protocols: &p}
	done := make(chan struct{})
	go func() {
		defer close(done)
		// The error is that of Close below.
		_ = server.Serve(l)
	}()
	transport := &http.Transport{Protocols: &p, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return "http://" + l.Addr().String(), &http.Client{Transport: transport}
}
