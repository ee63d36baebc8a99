package client

import (
	"crypto/tls"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/internal/certtest"
)

// A process resumes the TLS sessions of the one before it.
func TestSessionsOutliveTheirProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca, err := certtest.New(dir, "ca")
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := ca.Issue("provider", "127.0.0.1", 2, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	provider, err := auth.NewTLS(auth.TLSConfig{CertFile: cert, KeyFile: key})
	if err != nil {
		t.Fatal(err)
	}
	server, err := provider.Server()
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("x")) // with it come the tickets
			_ = c.Close()
		}
	}()
	defer func() { _ = l.Close(); <-served }()
	consumer, err := auth.NewTLS(auth.TLSConfig{CAFile: ca.File, ClientAuth: auth.ClientAuthNone})
	if err != nil {
		t.Fatal(err)
	}
	tr := trust{tls: consumer}
	resumed := func(s *sessions) bool {
		d := tls.Dialer{Config: tr.config(true, s.at(l.Addr().String()))}
		nc, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = nc.Close() }()
		if _, err := io.ReadAll(nc); err != nil {
			t.Fatal(err)
		}
		return nc.(*tls.Conn).ConnectionState().DidResume
	}
	var first, next sessions
	if resumed(&first) {
		t.Error("the first connection resumes a session")
	}
	b := first.save()
	if err := next.restore(b); err != nil {
		t.Fatal(err)
	}
	if !resumed(&next) {
		t.Error("the next process shakes hands anew")
	}
	if again := next.save(); len(again) == 0 {
		t.Error("nothing is handed on")
	}
	if err := next.restore([]byte("[")); err == nil {
		t.Error("nonsense is taken")
	}
	if err := next.restore([]byte(`[{"server":"a","ticket":"AA==","state":"AA=="},{"server":"b","state":"` + strings.Repeat("A", 4*maxSessionBytes) + `"}]`)); err != nil {
		t.Errorf("sessions that make no sense spoil the others: %v", err)
	}
	if _, ok := next.at("a").Get(""); ok {
		t.Error("a session that makes no sense is held")
	}
	for range 2 * maxSessions {
		next.put(strings.Repeat("s", len(next.all)+1), &tls.ClientSessionState{})
	}
	if n := len(next.all); n > maxSessions {
		t.Errorf("%d sessions are held (limit %d)", n, maxSessions)
	}
}
