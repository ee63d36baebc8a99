package auth_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/internal/certtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// authority signs certificates into files of a folder.
type authority struct {
	*certtest.Authority
	t *testing.T
}

func newAuthority(t *testing.T, dir, name string) *authority {
	t.Helper()
	a, err := certtest.New(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{a, t}
}

// issue writes NAME.pem and NAME.key for a host.
func (a *authority) issue(name, host string, serial int64, until time.Time) (cert, key string) {
	a.t.Helper()
	cert, key, err := a.Issue(name, host, serial, until)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

func write(t *testing.T, path, kind string, der []byte) string {
	t.Helper()
	if err := certtest.WritePEM(path, kind, der); err != nil {
		t.Fatal(err)
	}
	return path
}

type safeLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *safeLog) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }
func (l *safeLog) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

// echo serves what comes back as it went.
func echo(t *testing.T, c auth.TLSConfig) (address string, log *safeLog) {
	t.Helper()
	log = &safeLog{}
	c.Log = slog.New(slog.NewTextHandler(log, nil))
	server, err := auth.NewTLS(c)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, err := server.Listen(plain)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { _, _ = io.Copy(nc, nc); _ = nc.Close() })
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return l.Addr().String(), log
}

// say sends a word and reads it back, over TLS where c isn't nil, and gives the provider's certificate's number.
func say(t *testing.T, address string, c *tls.Config) (serial int64, err error) {
	t.Helper()
	nc, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nc.Close() }()
	if c != nil {
		if c.ServerName == "" {
			c.ServerName = "provider.example"
		}
		s := tls.Client(nc, c)
		nc = s
		if err := s.HandshakeContext(t.Context()); err != nil {
			return 0, err
		}
		serial = s.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	_ = nc.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := nc.Write([]byte{0xda, 0xbb}); err != nil {
		return serial, err
	}
	var b [2]byte
	if _, err := io.ReadFull(nc, b[:]); err != nil {
		return serial, err
	}
	if b != [2]byte{0xda, 0xbb} {
		t.Errorf("came back as %x", b)
	}
	return serial, nil
}

func TestBothEndsSayWhoTheyAre(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ours, theirs := newAuthority(t, dir, "ours"), newAuthority(t, dir, "theirs")
	later := time.Now().Add(time.Hour)
	cert, key := ours.issue("provider", "provider.example", 7, later)
	mine, myKey := ours.issue("consumer", "consumer.example", 8, later)
	strange, strangeKey := theirs.issue("strange", "provider.example", 9, later)
	old, oldKey := ours.issue("old", "provider.example", 10, time.Now().Add(-time.Hour))
	provider := auth.TLSConfig{CertFile: cert, KeyFile: key}
	mutual := auth.TLSConfig{CertFile: cert, KeyFile: key, CAFile: ours.File}
	optional := mutual
	optional.ClientAuth = auth.ClientAuthOptional
	trusting := auth.TLSConfig{CAFile: ours.File}
	for name, c := range map[string]struct {
		provider, consumer auth.TLSConfig
		fault, log         string
	}{
		"the provider alone":                 {provider, trusting, "", ""},
		"both":                               {mutual, auth.TLSConfig{CAFile: ours.File, CertFile: mine, KeyFile: myKey}, "", ""},
		"a consumer without certificate":     {mutual, trusting, "certificate required", "client didn't provide a certificate"},
		"none where it is optional":          {optional, trusting, "", ""},
		"a stranger where it is optional":    {optional, auth.TLSConfig{CAFile: ours.File, CertFile: strange, KeyFile: strangeKey}, "tls: ", "unknown authority"},
		"a stranger":                         {mutual, auth.TLSConfig{CAFile: ours.File, CertFile: strange, KeyFile: strangeKey}, "tls: ", "unknown authority"},
		"a consumer whose time is over":      {mutual, auth.TLSConfig{CAFile: ours.File, CertFile: old, KeyFile: oldKey}, "tls: ", "expired"},
		"a provider whose time is over":      {auth.TLSConfig{CertFile: old, KeyFile: oldKey}, trusting, "expired", "bad certificate"},
		"a provider of another authority":    {auth.TLSConfig{CertFile: strange, KeyFile: strangeKey}, trusting, "unknown authority", "bad certificate"},
		"a provider of another name":         {auth.TLSConfig{CertFile: mine, KeyFile: myKey}, trusting, "not provider.example", "bad certificate"},
		"any name":                           {auth.TLSConfig{CertFile: mine, KeyFile: myKey}, auth.TLSConfig{CAFile: ours.File, ServerName: "*"}, "", ""},
		"any name, but of another authority": {auth.TLSConfig{CertFile: strange, KeyFile: strangeKey}, auth.TLSConfig{CAFile: ours.File, ServerName: "*"}, "unknown authority", "bad certificate"},
		"any name, but over":                 {auth.TLSConfig{CertFile: old, KeyFile: oldKey}, auth.TLSConfig{CAFile: ours.File, ServerName: "*"}, "expired", "bad certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, log := echo(t, c.provider)
			consumer, err := auth.NewTLS(c.consumer)
			if err != nil {
				t.Fatal(err)
			}
			_, err = say(t, address, consumer.Client())
			if c.fault == "" {
				if err != nil {
					t.Errorf("%v, %s", err, log)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("the consumer is told %v, want %q", err, c.fault)
			}
			for end := time.Now().Add(5 * time.Second); !strings.Contains(log.String(), c.log) && time.Now().Before(end); {
				time.Sleep(5 * time.Millisecond)
			}
			if !strings.Contains(log.String(), c.log) || !strings.Contains(log.String(), "a handshake failed") {
				t.Errorf("the provider's log does not tell %q: %s", c.log, log)
			}
		})
	}
}

func TestPlainConnectionsAreForThoseWhoMove(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, t.TempDir(), "ours")
	cert, key := a.issue("provider", "provider.example", 7, time.Now().Add(time.Hour))
	c := auth.TLSConfig{CertFile: cert, KeyFile: key, HandshakeTimeout: 300 * time.Millisecond}
	strict, log := echo(t, c)
	if _, err := say(t, strict, nil); err == nil || !strings.Contains(log.String(), "a plain connection was refused") {
		t.Errorf("%v, %s", err, log)
	}
	nc, err := net.Dial("tcp", strict) // who says nothing doesn't hold a connection
	if err != nil {
		t.Fatal(err)
	}
	_ = nc.SetDeadline(time.Now().Add(5 * time.Second))
	if n, err := nc.Read(make([]byte, 1)); err == nil || n > 0 || os.IsTimeout(err) {
		t.Errorf("%d bytes, %v", n, err)
	}
	_ = nc.Close()
	c.AllowPlain = true
	lenient, log := echo(t, c)
	consumer, err := auth.NewTLS(auth.TLSConfig{CAFile: a.File})
	if err != nil {
		t.Fatal(err)
	}
	for _, cfg := range []*tls.Config{nil, consumer.Client()} {
		if _, err := say(t, lenient, cfg); err != nil {
			t.Errorf("%v, %s", err, log)
		}
	}
	if nc, err = net.Dial("tcp", lenient); err != nil { // a plain consumer may be silent for long
		t.Fatal(err)
	}
	defer func() { _ = nc.Close() }()
	time.Sleep(500 * time.Millisecond)
	if _, err := nc.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	_ = nc.SetDeadline(time.Now().Add(5 * time.Second))
	if n, err := nc.Read(make([]byte, 1)); err != nil || n != 1 {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestCertificatesAreReplacedWhileConnectionsLive(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, t.TempDir(), "ours")
	later := time.Now().Add(time.Hour)
	cert, key := a.issue("provider", "provider.example", 1, later)
	address, log := echo(t, auth.TLSConfig{CertFile: cert, KeyFile: key})
	consumer, err := auth.NewTLS(auth.TLSConfig{CAFile: a.File})
	if err != nil {
		t.Fatal(err)
	}
	c := consumer.Client()
	c.ServerName = "provider.example"
	old, err := tls.Dial("tcp", address, c)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = old.Close() }()
	until := func(want int64) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			got, err := say(t, address, consumer.Client())
			if err != nil {
				t.Fatalf("a handshake failed: %v", err)
			}
			if got == want {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("certificate %d, want %d; %s", got, want, log)
			}
		}
	}
	until(1)
	time.Sleep(10 * time.Millisecond) // another time of change
	a.issue("provider", "provider.example", 2, later)
	until(2)
	time.Sleep(10 * time.Millisecond)
	write(t, key, "PRIVATE KEY", []byte("half"))
	for end := time.Now().Add(10 * time.Second); !strings.Contains(log.String(), "make no sense") && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		until(2)
	}
	if !strings.Contains(log.String(), "make no sense") {
		t.Errorf("the log does not tell of the bad file: %s", log)
	}
	until(2)
	if _, err := old.Write([]byte("x")); err != nil {
		t.Errorf("the connection from before: %v", err)
	}
	if _, err := io.ReadFull(old, make([]byte, 1)); err != nil {
		t.Errorf("the connection from before: %v", err)
	}
}

func TestTLSFaultsNameTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := newAuthority(t, dir, "ours")
	later := time.Now().Add(time.Hour)
	cert, key := a.issue("provider", "provider.example", 1, later)
	_, other := a.issue("other", "provider.example", 2, later)
	encrypted := write(t, filepath.Join(dir, "encrypted.key"), "ENCRYPTED PRIVATE KEY", []byte("x"))
	for want, c := range map[string]auth.TLSConfig{
		`private key ""`:                   {CertFile: cert},
		"no such file":                     {CertFile: cert, KeyFile: dir + "/none"},
		"private key does not match":       {CertFile: cert, KeyFile: other},
		"the key is encrypted":             {CertFile: cert, KeyFile: encrypted},
		"holds no certificate":             {CAFile: key},
		`client certificates "maybe"`:      {CertFile: cert, KeyFile: key, ClientAuth: "maybe"},
		"client certificates are required": {CertFile: cert, KeyFile: key, ClientAuth: "required"},
		`server name "*"`:                  {ServerName: "*"},
	} {
		if _, err := auth.NewTLS(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	consumer, err := auth.NewTLS(auth.TLSConfig{CAFile: a.File})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := consumer.Listen(nil); err == nil || !strings.Contains(err.Error(), "needs a certificate") {
		t.Errorf("%v", err)
	}
}
