package daemon

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/internal/certtest"
)

func TestEarlyLanesSpeakTLSWhereTheyShould(t *testing.T) {
	t.Parallel()
	ca, err := certtest.New(t.TempDir(), "ca")
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := ca.Issue("activator", "127.0.0.1", 1, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(ca.File)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for _, on := range []bool{true, false} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c := Activator{LaneTLS: on, TLSCert: cert, TLSKey: key, ReadTimeout: time.Second}
		if l, err = c.secure(l); err != nil {
			t.Fatal(err)
		}
		accepted := make(chan struct{})
		go func() {
			defer close(accepted)
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1)) // where TLS is spoken this is its handshake
			_ = conn.Close()
		}()
		d := &tls.Dialer{Config: &tls.Config{RootCAs: roots}}
		conn, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
		if (err == nil) != on {
			t.Errorf("TLS %v: %v", on, err)
		}
		if err == nil {
			_ = conn.Close()
		}
		<-accepted
		_ = l.Close()
	}
}

func TestTLSForEarlyLanesNeedsACertificate(t *testing.T) {
	_, err := settings(t, map[string]string{"DUBBOFN_LANE_TLS": "1"})
	if err == nil || !strings.Contains(err.Error(), `DUBBOFN_LANE_TLS="1" needs DUBBOFN_TLS_CERT`) {
		t.Errorf("got %v", err)
	}
}
