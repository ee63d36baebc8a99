package client

import (
	"crypto/tls"
	"strings"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
)

// trust is how providers know this consumer, and it them.
type trust struct {
	sign invoker.Filter // nil: calls aren't signed
	tls  *auth.TLS      // nil: connections are plain
	all  bool           // every provider is spoken to over TLS
}

func (c *Client) newTrust() (t trust, err error) {
	cfg := &c.cfg
	if cfg.AccessKeyID != "" || cfg.SecretAccessKey != "" {
		t.sign, err = auth.NewSigner(auth.SignConfig{
			Key: auth.Key{ID: cfg.AccessKeyID, Secret: cfg.SecretAccessKey}, Application: cfg.App, Parameters: cfg.AuthParameters,
		})
		if err != nil {
			return t, err
		}
	}
	if cfg.TLS == "never" {
		return t, nil
	}
	t.all = cfg.TLS == "always"
	t.tls, err = auth.NewTLS(auth.TLSConfig{
		CertFile: cfg.TLSCert, KeyFile: cfg.TLSKey, CAFile: cfg.TLSCA, ServerName: cfg.TLSServerName, ClientAuth: auth.ClientAuthNone, Log: c.log,
	})
	return t, err
}

// checkTrust looks at the settings, not at the files that they name.
func (c *Config) checkTrust(bad func(field string, value any, why string)) {
	switch c.TLS {
	case "", "auto", "always", "never":
	default:
		bad("TLS", c.TLS, "is not offered")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		bad("TLSKey", c.TLSKey, "and DUBBOFN_TLS_CERT are set together, or neither")
	}
	if (c.AccessKeyID == "") != (c.SecretAccessKey == "") {
		bad("SecretAccessKey", c.SecretAccessKey, "and DUBBOFN_ACCESS_KEY_ID are set together, or neither")
	}
}

// overTLS stands before the address of connections that speak TLS, so that plain ones to the same address are others.
const overTLS = "tls+"

// connection names a provider's connections in the pool.
func (t trust) connection(p *cluster.Provider) string {
	if t.tls != nil && (t.all || p.Param("ssl-enabled") == "true") {
		return overTLS + p.Address
	}
	return p.Address
}

// at gives the address behind a name that connection gave, and whether TLS is spoken.
func (t trust) at(name string) (address string, secret bool) {
	address, secret = strings.CutPrefix(name, overTLS)
	return address, secret && t.tls != nil
}

// config gives what TLS is spoken with, nil for none.
func (t trust) config(secret bool, sessions tls.ClientSessionCache) *tls.Config {
	if !secret {
		return nil
	}
	c := t.tls.Client()
	c.ClientSessionCache = sessions
	return c
}
