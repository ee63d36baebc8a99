package serve

import (
	"errors"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
)

// trust is how consumers are known: what the environment says of keys and certificates.
type trust struct {
	verify invoker.Filter // nil: signatures aren't looked at
	tls    *auth.TLS      // nil: connections are plain
}

func newTrust(c Config, log *slog.Logger) (t trust, err error) {
	var faults []error
	if c.AuthKeys != "" {
		keys, err := auth.KeysFrom(c.AuthKeys, log)
		if err == nil {
			t.verify, err = auth.NewVerifier(auth.VerifyConfig{Keys: keys, Window: c.AuthWindow, Parameters: c.AuthParameters, Log: log})
		}
		faults = append(faults, err)
	}
	if c.TLSCert != "" {
		t.tls, err = auth.NewTLS(auth.TLSConfig{
			CertFile: c.TLSCert, KeyFile: c.TLSKey, CAFile: c.TLSCA, ClientAuth: c.TLSClientAuth, AllowPlain: c.TLSPlain,
			HandshakeTimeout: c.ReadTimeout, Log: log,
		})
		faults = append(faults, err)
	}
	return t, errors.Join(faults...)
}

// checkTrust looks at the settings, not at the files that they name.
func (c *Config) checkTrust(bad func(field string, value any, why string)) {
	if !slices.Contains([]string{"", auth.ClientAuthRequired, auth.ClientAuthOptional, auth.ClientAuthNone}, c.TLSClientAuth) {
		bad("TLSClientAuth", c.TLSClientAuth, "is not offered")
	}
	if c.TLSCert == "" && (c.TLSClientAuth == auth.ClientAuthRequired || c.TLSClientAuth == auth.ClientAuthOptional) {
		bad("TLSClientAuth", c.TLSClientAuth, "needs DUBBOFN_TLS_CERT: without it connections are plain")
	}
	if c.AuthWindow != 0 && c.AuthWindow < time.Second { // 0 is auth's default
		bad("AuthWindow", c.AuthWindow, "is too short")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		bad("TLSKey", c.TLSKey, "and DUBBOFN_TLS_CERT are set together, or neither")
	}
}

// listen gives the listener that speaks TLS where there is a certificate.
func (t trust) listen(l net.Listener) (net.Listener, error) {
	if t.tls == nil {
		return l, nil
	}
	return t.tls.Listen(l)
}

// wantsCertificates tells whether nobody may call over the Dubbo port without a certificate.
func (c Config) wantsCertificates() bool {
	required := c.TLSClientAuth == auth.ClientAuthRequired || c.TLSClientAuth == "" && c.TLSCA != ""
	return c.TLSCert != "" && required && !c.TLSPlain
}

// publish tells consumers what is wanted of them, by Dubbo Java's parameters (Constants.SSL_ENABLED_KEY; auth's Constants, 3.3.6).
func (c Config) publish(s *registry.Service) {
	if c.TLSCert != "" {
		s.Params["ssl-enabled"] = "true"
	}
	if c.AuthKeys != "" {
		s.Params["auth"], s.Params["authenticator"] = "true", "accesskey"
		if c.AuthParameters {
			s.Params["param.sign"] = "true"
		}
	}
}
