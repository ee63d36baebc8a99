package auth

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/dubbofn/dubbofn/internal/fresh"
)

// TLSConfig names the files of one end, PEM each, and says who must show what. Files that change are read again within a second, and
// hold for connections that begin then; ones that make no sense are refused in the log, and the last good ones go on holding.
type TLSConfig struct {
	CertFile string // this end's certificate, the chain after it (Java: server-key-cert-chain-path, client-key-cert-chain-path)
	KeyFile  string // its private key, not encrypted (server-private-key-path, client-private-key-path)
	CAFile   string // whose certificates are trusted (server-trust-cert-collection-path, …). Default: a consumer trusts the system's

	// ClientAuth says whether consumers must show a certificate that CAFile signed: "required", "optional" or "none". Default: required
	// where there is a CAFile, as in Dubbo Java, else none.
	ClientAuth string
	AllowPlain bool   // a provider takes plain connections too, while its consumers move to TLS
	ServerName string // what a consumer wants in the provider's certificate; "*": any name, of one that CAFile signed. Default: the host that is dialled

	HandshakeTimeout time.Duration // Default: 10 s
	Log              *slog.Logger  // is told of files that change and handshakes that fail. Default: nothing is logged
}

const defaultHandshake = 10 * time.Second

// Values of TLSConfig.ClientAuth.
const (
	ClientAuthRequired = "required"
	ClientAuthOptional = "optional"
	ClientAuthNone     = "none"
)

// Validate reports every setting that makes no sense; it reads no file.
func (c TLSConfig) Validate() error {
	var faults []error
	if (c.CertFile == "") != (c.KeyFile == "") {
		faults = append(faults, fmt.Errorf("certificate %q and private key %q: want both or neither", c.CertFile, c.KeyFile))
	}
	switch c.ClientAuth {
	case "", ClientAuthNone:
	case ClientAuthRequired, ClientAuthOptional:
		if c.CAFile == "" {
			faults = append(faults, fmt.Errorf("client certificates are %s, and no CA file says whose", c.ClientAuth))
		}
	default:
		faults = append(faults, fmt.Errorf("client certificates %q: want %s, %s or %s", c.ClientAuth, ClientAuthRequired, ClientAuthOptional, ClientAuthNone))
	}
	if c.ServerName == "*" && c.CAFile == "" {
		faults = append(faults, errors.New(`server name "*" trusts whatever the CA file signed, and there is none`))
	}
	if c.HandshakeTimeout < 0 {
		faults = append(faults, fmt.Errorf("handshake timeout %v: want a positive duration", c.HandshakeTimeout))
	}
	return errors.Join(faults...)
}

// TLS is one end's certificates. Safe for concurrent use.
type TLS struct {
	cfg   TLSConfig
	files *fresh.Value[*material]
}

// material is what the files held.
type material struct {
	cert *tls.Certificate // nil without
	ca   *x509.CertPool   // nil without
}

// NewTLS reads the files.
func NewTLS(c TLSConfig) (*TLS, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.HandshakeTimeout == 0 {
		c.HandshakeTimeout = defaultHandshake
	}
	if c.ClientAuth == "" {
		c.ClientAuth = ClientAuthNone
		if c.CAFile != "" {
			c.ClientAuth = ClientAuthRequired
		}
	}
	var paths []string
	for _, p := range []string{c.CertFile, c.KeyFile, c.CAFile} {
		if p != "" {
			paths = append(paths, p)
		}
	}
	files, err := fresh.New(paths, c.read, c.Log)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return &TLS{cfg: c, files: files}, nil
}

// maxPEMBytes bounds a file.
const maxPEMBytes = 4 << 20

func (c *TLSConfig) read() (*material, error) {
	m := &material{}
	var faults []error
	if c.CertFile != "" {
		cert, certErr := readSmall(c.CertFile)
		key, keyErr := readSmall(c.KeyFile)
		if err := errors.Join(certErr, keyErr); err != nil {
			faults = append(faults, err)
		} else if pair, err := tls.X509KeyPair(cert, key); err != nil {
			faults = append(faults, fmt.Errorf("certificate %s with private key %s: %w", c.CertFile, c.KeyFile, explain(err, key)))
		} else {
			m.cert = &pair
			c.warn(pair.Leaf)
		}
	}
	if c.CAFile != "" {
		ca, err := readSmall(c.CAFile)
		m.ca = x509.NewCertPool()
		if err != nil {
			faults = append(faults, err)
		} else if !m.ca.AppendCertsFromPEM(ca) {
			faults = append(faults, fmt.Errorf("CA file %s holds no certificate: want PEM", c.CAFile))
		}
	}
	return m, errors.Join(faults...)
}

// warn tells the operator of a certificate that peers won't take.
func (c *TLSConfig) warn(leaf *x509.Certificate) {
	now := time.Now()
	if leaf != nil && (now.After(leaf.NotAfter) || now.Before(leaf.NotBefore)) {
		c.Log.Error("tls: peers will refuse this end's certificate", "file", c.CertFile, "from", leaf.NotBefore, "until", leaf.NotAfter)
	}
}

func readSmall(path string) ([]byte, error) {
	s, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if s.Size() > maxPEMBytes {
		return nil, fmt.Errorf("%s has %d bytes (limit %d)", path, s.Size(), maxPEMBytes)
	}
	return os.ReadFile(path)
}

// explain says more of a key that can't be read.
func explain(err error, key []byte) error {
	if b, _ := pem.Decode(key); b != nil && (b.Type == "ENCRYPTED PRIVATE KEY" || b.Headers["Proc-Type"] != "") {
		return fmt.Errorf("%w: the key is encrypted; want it without a password", err)
	}
	return err
}

// Server gives what a provider's handshakes use. Its error says that there is no certificate.
func (t *TLS) Server() (*tls.Config, error) {
	if t.cfg.CertFile == "" {
		return nil, errors.New("tls: a provider needs a certificate and its private key")
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		m := t.files.Get()
		c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*m.cert}, ClientCAs: m.ca}
		switch t.cfg.ClientAuth {
		case ClientAuthRequired:
			c.ClientAuth = tls.RequireAndVerifyClientCert
		case ClientAuthOptional:
			c.ClientAuth = tls.VerifyClientCertIfGiven
		}
		return c, nil
	}}, nil
}

// Client gives what a consumer's next handshake uses.
func (t *TLS) Client() *tls.Config {
	m := t.files.Get()
	c := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: m.ca, ServerName: t.cfg.ServerName}
	if m.cert != nil {
		// Shown whatever the provider says of whom it trusts, so that it is the provider who tells what is wrong with it.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return m.cert, nil }
	}
	if t.cfg.ServerName == "*" {
		c.ServerName = ""
		c.InsecureSkipVerify = true // the chain is verified all the same, here:
		c.VerifyConnection = func(s tls.ConnectionState) error {
			chain := x509.VerifyOptions{Roots: m.ca, Intermediates: x509.NewCertPool()}
			for _, cert := range s.PeerCertificates[1:] {
				chain.Intermediates.AddCert(cert)
			}
			_, err := s.PeerCertificates[0].Verify(chain)
			return err
		}
	}
	return c
}
