package serve

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// clean takes every variable of Config out of the environment for one test, so these tests can't run in parallel.
func clean(t *testing.T, env map[string]string) {
	t.Helper()
	for _, name := range []string{
		"DUBBOFN_APP", "DUBBOFN_REGISTRY", "DUBBOFN_PORT", "PORT", "K_SERVICE", "DUBBOFN_REGISTER", "DUBBOFN_MAX_BYTES", "DUBBO_IP_TO_REGISTRY",
		"DUBBO_PORT_TO_REGISTRY", "DUBBOFN_HOST", "DUBBOFN_ADVERTISED_PORT", "DUBBOFN_TOKEN", "DUBBOFN_METADATA_CENTER", "DUBBOFN_CONFIG_CENTER", "HOST", "TOKEN", "APP",
	} {
		t.Setenv(name, "") // so that the old value comes back
		if v, ok := env[name]; ok {
			t.Setenv(name, v)
		} else if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	for name, v := range env {
		t.Setenv(name, v)
	}
}

func TestConfigHasTheDocumentedDefaults(t *testing.T) {
	clean(t, nil)
	c, err := FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	if c.Port != 20880 || c.HTTPPort != 8080 || c.MaxBytes != 256<<20 || c.MaxPayload != 8<<20 || c.DrainTimeout != 10*time.Second {
		t.Errorf("defaults: %+v", c)
	}
	if len(c.registries) != 1 || c.registries[0].Protocol != "embedded" || !c.registers() || c.onKnative() {
		t.Errorf("registries %v, registers %v, on Knative %v", c.registries, c.registers(), c.onKnative())
	}
	if c.App != "serve.test" {
		t.Errorf("app %q, want the binary's name", c.App)
	}
}

func TestConfigReadsOnlyItsOwnVariables(t *testing.T) {
	clean(t, map[string]string{"HOST": "elsewhere", "TOKEN": "stolen", "APP": "other"})
	c, err := FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	if c.Host != "" || c.Token != "" || c.App != "serve.test" {
		t.Errorf("host %q, token %q, app %q: variables without the prefix were read", c.Host, c.Token, c.App)
	}
}

func TestConfigReportsEveryFaultWithNameValueAndWhatWouldDo(t *testing.T) {
	clean(t, map[string]string{"DUBBOFN_PORT": "many", "PORT": "70000", "DUBBOFN_REGISTER": "perhaps", "DUBBOFN_MAX_BYTES": "5 apples", "DUBBOFN_REGISTRY": "localhost", "DUBBOFN_APP": "a b"})
	_, err := FromEnvironment()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`DUBBOFN_PORT="many" can't be read; want 0 to 65535`, `PORT="70000" is out of range; want 0 to 65535`, `DUBBOFN_REGISTER="perhaps" is not offered; want auto, yes, no`,
		`DUBBOFN_MAX_BYTES="5 apples"`, `DUBBOFN_REGISTRY: parse url: "localhost" has no protocol`, `DUBBOFN_APP="a b"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
}

func TestConfigOnKnativeNeitherRegistersNorOpensTheDubboPort(t *testing.T) {
	clean(t, map[string]string{"K_SERVICE": "greet"})
	c, err := FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	f := function{config: c}
	if c.registers() || f.opensDubbo() || c.App != "greet" {
		t.Errorf("registers %v, opens %v, app %q", c.registers(), f.opensDubbo(), c.App)
	}
	clean(t, map[string]string{"K_SERVICE": "greet", "DUBBOFN_REGISTER": "yes"})
	if c, err = FromEnvironment(); err != nil {
		t.Fatal(err)
	}
	if f = (function{config: c}); !c.registers() || !f.opensDubbo() {
		t.Error("DUBBOFN_REGISTER=yes does not win over K_SERVICE")
	}
}

func TestConfigTakesTheKnativeRevisionAsTag(t *testing.T) {
	for name, tt := range map[string]struct {
		env   map[string]string
		tag   string
		fault bool
	}{
		"by default there is none": {env: map[string]string{"K_REVISION": "hello-00002"}},
		"where it is asked for":    {env: map[string]string{"K_REVISION": "hello-00002", "DUBBOFN_TAG_FROM_REVISION": "true"}, tag: "hello-00002"},
		"elsewhere than there":     {env: map[string]string{"K_REVISION": "", "DUBBOFN_TAG_FROM_REVISION": "true"}},
		"beside another":           {env: map[string]string{"K_REVISION": "hello-00002", "DUBBOFN_TAG_FROM_REVISION": "1", "DUBBOFN_TAG": "gray"}, fault: true},
	} {
		t.Run(name, func(t *testing.T) {
			clean(t, tt.env)
			c, err := FromEnvironment()
			if tt.fault {
				if err == nil || !strings.Contains(err.Error(), "DUBBOFN_TAG_FROM_REVISION") {
					t.Error(err)
				}
				return
			}
			if err = errors.Join(append(c.resolve(), err)...); err != nil || c.Tag != tt.tag {
				t.Errorf("tag %q, %v; want %q", c.Tag, err, tt.tag)
			}
		})
	}
}

func TestConfigHonoursJavasNamesButPrefersItsOwn(t *testing.T) {
	clean(t, map[string]string{"DUBBO_IP_TO_REGISTRY": "10.0.0.1", "DUBBO_PORT_TO_REGISTRY": "30880"})
	c, err := FromEnvironment()
	if err != nil || c.Host != "10.0.0.1" || c.AdvertisedPort != 30880 {
		t.Errorf("host %q port %d, %v", c.Host, c.AdvertisedPort, err)
	}
	clean(t, map[string]string{"DUBBO_IP_TO_REGISTRY": "10.0.0.1", "DUBBOFN_HOST": "10.0.0.2"})
	if c, err = FromEnvironment(); err != nil || c.Host != "10.0.0.2" {
		t.Errorf("host %q, %v", c.Host, err)
	}
}

func TestConfigTakesSeveralRegistriesAndSeveralHostsOfOne(t *testing.T) {
	clean(t, map[string]string{"DUBBOFN_REGISTRY": "nacos://a:8848,b:8848?namespace=x,embedded://"})
	c, err := FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	if len(c.registries) != 2 || strings.Join(c.registries[0].Addresses(8848), " ") != "a:8848 b:8848" || c.registries[1].Protocol != "embedded" {
		t.Errorf("registries %+v", c.registries)
	}
}

func TestByteSizeReadsUnits(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]ByteSize{"1": 1, "64KiB": 64 << 10, "8 MiB": 8 << 20, "2GiB": 2 << 30} {
		var b ByteSize
		if err := b.Decode(s); err != nil || b != want {
			t.Errorf("%q: %d, %v; want %d", s, b, err, want)
		}
	}
	for _, s := range []string{"", "-1", "1MB", "9999999999GiB", "x"} {
		var b ByteSize
		if err := b.Decode(s); err == nil {
			t.Errorf("%q: taken as %d", s, b)
		}
	}
}

func TestConfigAsksForNoCertificatesWherePlainConnectionsAreServed(t *testing.T) {
	for _, want := range []string{"required", "optional"} {
		clean(t, map[string]string{"DUBBOFN_TLS_CA": "ca.pem", "DUBBOFN_TLS_CLIENT_AUTH": want})
		if _, err := FromEnvironment(); err == nil || !strings.Contains(err.Error(), `DUBBOFN_TLS_CLIENT_AUTH="`+want+`" needs DUBBOFN_TLS_CERT`) {
			t.Errorf("%s: %v", want, err)
		}
	}
	clean(t, map[string]string{"DUBBOFN_TLS_CA": "ca.pem", "DUBBOFN_TLS_CLIENT_AUTH": "none"}) // a consumer's alone
	if _, err := FromEnvironment(); err != nil {
		t.Error(err)
	}
}

// On Knative, and in `dubbofn run`, the activator registers: a function may be told of a registry that it has no adapter for.
func TestOnlyWhoRegistersNeedsAnAdapter(t *testing.T) {
	for register, fails := range map[string]bool{"auto": false, "no": false, "yes": true} {
		clean(t, map[string]string{"K_SERVICE": "greet", "DUBBOFN_REGISTRY": "nacos://127.0.0.1:8848", "DUBBOFN_REGISTER": register})
		c, err := FromEnvironment()
		if err != nil {
			t.Fatal(err)
		}
		if err := checkURLs(c, nil); (err != nil) != fails {
			t.Errorf("DUBBOFN_REGISTER=%s: %v", register, err)
		}
	}
}
