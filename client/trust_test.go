package client_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/internal/certtest"
	"github.com/dubbofn/dubbofn/invoker"
)

// trusted serves with what change says, and refers to it with a client of what consumer says.
func trusted(t *testing.T, change func(*serve.Config), consumer client.Config) (*client.Service, error) {
	t.Helper()
	dir := t.TempDir() + "/registry"
	startWith(t, dir, "users", change, service())
	consumer.Registry, consumer.App, consumer.Timeout = []string{"embedded://" + dir}, "shop", 2*time.Second
	c, err := client.New(consumer)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c.Reference(t.Context(), users)
}

func TestSignedCallsAreKnownAndOthersRefused(t *testing.T) {
	t.Parallel()
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte("shop-1 s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		consumer   client.Config
		parameters bool // the provider wants them signed
		refused    bool
	}{
		"signed":                       {client.Config{AccessKeyID: "shop-1", SecretAccessKey: "s3cret"}, false, false},
		"the arguments too":            {client.Config{AccessKeyID: "shop-1", SecretAccessKey: "s3cret", AuthParameters: true}, true, false},
		"not signed":                   {client.Config{}, false, true},
		"another secret":               {client.Config{AccessKeyID: "shop-1", SecretAccessKey: "other"}, false, true},
		"an unknown key":               {client.Config{AccessKeyID: "shop-2", SecretAccessKey: "s3cret"}, false, true},
		"not the arguments":            {client.Config{AccessKeyID: "shop-1", SecretAccessKey: "s3cret"}, true, true},
		"the arguments, not wanted so": {client.Config{AccessKeyID: "shop-1", SecretAccessKey: "s3cret", AuthParameters: true}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := trusted(t, func(sc *serve.Config) { sc.AuthKeys, sc.AuthParameters = keys, c.parameters }, c.consumer)
			if err != nil {
				t.Fatal(err)
			}
			if p := s.Providers()[0]; p.Param("auth") != "true" || p.Param("authenticator") != "accesskey" {
				t.Errorf("published auth %q, authenticator %q", p.Param("auth"), p.Param("authenticator"))
			}
			var u User
			err = s.Call(t.Context(), "getUser", &u, int64(42))
			if !c.refused {
				if err != nil || u.ID != 42 {
					t.Errorf("%v, %v", u, err)
				}
				if _, err := s.Generic(t.Context(), "getUser", []string{"long"}, int64(42)); (err == nil) == c.parameters {
					t.Errorf("generic: %v", err) // an Object[] is never signed
				}
				return
			}
			var e *invoker.Error
			if !errors.As(err, &e) || e.Code != invoker.CodeServiceError && e.Code != invoker.CodeUnauthenticated || !strings.Contains(err.Error(), "refused") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestConnectionsSpeakTLSWhereItIsPublished(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ours, err := certtest.New(dir, "ours")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := certtest.New(dir, "theirs")
	if err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour)
	cert, key, err := ours.Issue("provider", "127.0.0.1", 1, later)
	if err != nil {
		t.Fatal(err)
	}
	mine, myKey, err := ours.Issue("consumer", "shop", 2, later)
	if err != nil {
		t.Fatal(err)
	}
	mutual := func(c *serve.Config) { c.TLSCert, c.TLSKey, c.TLSCA = cert, key, ours.File }
	alone := func(c *serve.Config) { c.TLSCert, c.TLSKey = cert, key }
	known := client.Config{TLSCA: ours.File, TLSCert: mine, TLSKey: myKey}
	for name, c := range map[string]struct {
		provider func(*serve.Config)
		consumer client.Config
		fault    string
	}{
		"the provider alone":          {alone, client.Config{TLSCA: ours.File}, ""},
		"both":                        {mutual, known, ""},
		"both, local metadata":        {func(c *serve.Config) { mutual(c); c.MetadataType = "local" }, known, ""},
		"both, 2.7's metadata":        {func(c *serve.Config) { mutual(c); c.MetadataType = "local-2.7" }, known, ""},
		"always, to a plain one":      {func(*serve.Config) {}, client.Config{TLSCA: ours.File, TLS: "always"}, "it may speak none"},
		"never, to a TLS one":         {alone, client.Config{TLS: "never"}, ""},
		"never, and plain goes":       {func(c *serve.Config) { alone(c); c.TLSPlain = true }, client.Config{TLS: "never"}, "-"},
		"no certificate":              {mutual, client.Config{TLSCA: ours.File}, "certificate required"},
		"another authority":           {alone, client.Config{TLSCA: theirs.File}, "unknown authority"},
		"another name":                {alone, client.Config{TLSCA: ours.File, TLSServerName: "shop"}, "wanted to match shop"},
		"plain where there is no TLS": {func(*serve.Config) {}, client.Config{TLSCA: ours.File}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := trusted(t, c.provider, c.consumer)
			if err != nil {
				t.Fatal(err)
			}
			var u User
			err = s.Call(t.Context(), "getUser", &u, 42)
			switch {
			case name == "never, to a TLS one":
				if err == nil {
					t.Error("a plain call was answered")
				}
			case c.fault == "" || c.fault == "-":
				if err != nil || u.ID != 42 {
					t.Errorf("%v, %v", u, err)
				}
			case err == nil || !strings.Contains(err.Error(), c.fault):
				t.Errorf("%v, want %q", err, c.fault)
			}
		})
	}
}

func TestTrustThatIsHalfSetIsRefused(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]client.Config{
		`DUBBOFN_TLS="maybe"`:                    {TLS: "maybe"},
		`DUBBOFN_TLS_KEY=""`:                     {TLSCert: "a.pem"},
		"DUBBOFN_SECRET_ACCESS_KEY":              {AccessKeyID: "a"},
		"no such file":                           {TLSCA: "/nowhere/ca.pem"},
		`server name "*" trusts whatever the CA`: {TLSServerName: "*"},
	} {
		if _, err := client.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	sc, err := serve.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*serve.Config){
		`DUBBOFN_TLS_KEY=""`:              func(c *serve.Config) { c.TLSCert = "a.pem" },
		`DUBBOFN_TLS_CLIENT_AUTH="maybe"`: func(c *serve.Config) { c.TLSClientAuth = "maybe" },
		"no such file":                    func(c *serve.Config) { c.AuthKeys = "/nowhere/keys" },
		`DUBBOFN_AUTH_WINDOW="1ms"`:       func(c *serve.Config) { c.AuthWindow = time.Millisecond },
	} {
		c := sc
		c.App = "users"
		change(&c)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := serve.Run(ctx, c, service()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
