package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// fault is one thing that is wrong.
type fault struct {
	name, title string
	check       string // which finding it is found as; "": none
	says        string // what its title must have
	secured     bool   // it needs a Nacos that wants a password
	plant       func(context.Context, *site) error
}

func faults() []fault {
	return []fault{
		{name: "none", title: "(no fault)", plant: func(ctx context.Context, x *site) error { return x.up(ctx) }},
		{name: "mapping", title: "no mapping", check: "mapping", says: "no mapping names an application", plant: noMapping},
		{name: "group", title: "wrong group", check: "group", says: "group blue", plant: inGroup},
		{name: "revision", title: "stale revision", check: "revision", says: "stale revision", plant: staleRevision},
		{name: "metadata", title: "metadata missing", check: "metadata", says: "is missing in the metadata centre", plant: noMetadata},
		{name: "port", title: "port closed", check: "address", says: "port closed", plant: closed},
		{name: "classes", title: "class not trusted", check: "classes", says: "com.elsewhere.Parcel", plant: stranger},
		{name: "timeout", title: "timeout below a cold start", check: "timeout", says: "the consumer waits 1s", plant: impatient},
		{name: "two-apps", title: "two apps on one interface", check: "applications", says: "2 applications offer", plant: twoApps},
		{name: "namespace", title: "wrong namespace", check: "namespace", says: "namespace dev", plant: inNamespace},
		{name: "auth", title: "Nacos wants a password", check: "registry", says: "wants a user and a password", secured: true, plant: locked},
		{name: "certificate", title: "expired certificate", check: "certificate", says: "ended", plant: expired},
		{name: "activator", title: "activator down", check: "activator", says: "no activator answers", plant: down},
	}
}

func noMapping(ctx context.Context, x *site) error {
	if err := x.up(ctx); err != nil {
		return err
	}
	for _, k := range []url.Values{{"group": {"mapping"}, "dataId": {x.iface}}, {"group": {"mapping-" + x.iface}, "dataId": {x.app}}} {
		if err := x.deleteConfig(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// deleteConfig takes a document away, as an operator would in Nacos's console.
func (x *site) deleteConfig(ctx context.Context, k url.Values) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, "http://"+x.nacos+"/nacos/v1/cs/configs?"+k.Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err == nil && string(body) != "true" {
		err = fmt.Errorf("delete %v: %s: %s", k, resp.Status, body)
	}
	return err
}

func inGroup(ctx context.Context, x *site) error {
	x.activator["DUBBOFN_REGISTRY"] += "?group=blue"
	return x.up(ctx)
}

func inNamespace(ctx context.Context, x *site) error {
	x.activator["DUBBOFN_REGISTRY"] += "?namespace=dev"
	return x.up(ctx)
}

// registers starts another process of the function that registers itself.
func (x *site) registers(ctx context.Context, more map[string]string) error {
	env := maps.Clone(x.function)
	maps.Copy(env, map[string]string{"DUBBOFN_REGISTER": "yes", "DUBBOFN_PORT": x.at(otherDubbo), "PORT": x.at(otherHTTP), "DUBBOFN_ACTIVATOR": ""})
	maps.Copy(env, more)
	if err := x.start("other", env, x.settings.function); err != nil {
		return err
	}
	return until(ctx, "the other process is ready", func() error { return answers("http://127.0.0.1:" + x.at(otherHTTP) + "/health/ready") })
}

// staleRevision leaves a process of an older build running beside the function.
func staleRevision(ctx context.Context, x *site) error {
	if err := x.up(ctx); err != nil {
		return err
	}
	return x.registers(ctx, map[string]string{"DOCTOR_OLD": "1"})
}

func twoApps(ctx context.Context, x *site) error {
	if err := x.up(ctx); err != nil {
		return err
	}
	return x.registers(ctx, map[string]string{"DUBBOFN_APP": "old-shop"})
}

func noMetadata(ctx context.Context, x *site) error {
	if err := x.up(ctx); err != nil {
		return err
	}
	resp, err := http.Get("http://127.0.0.1:" + x.at(adminPort) + "/api/functions")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var all []struct{ Revision string }
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil || len(all) != 1 {
		return fmt.Errorf("the activator tells of %d functions: %w", len(all), err)
	}
	return x.deleteConfig(ctx, url.Values{"group": {all[0].Revision}, "dataId": {x.app}})
}

func closed(ctx context.Context, x *site) error {
	x.activator["DUBBOFN_ADVERTISED_PORT"] = x.at(closedPort)
	return x.up(ctx)
}

func stranger(ctx context.Context, x *site) error {
	x.function["DOCTOR_STRANGER"] = "1"
	x.flags = []string{"--manifest", x.manifest(), "--classes", filepath.Join(x.home, "resources/security/serialize.allowlist"), "--consumer-line", "3.x"}
	return x.up(ctx)
}

// impatient has a function that takes its time to start woken once, by a call that waits for it.
func impatient(ctx context.Context, x *site) error {
	program := filepath.Join(x.home, x.app) // its name is the application's
	if err := os.Symlink(x.settings.function, program); err != nil {
		return err
	}
	env := maps.Clone(x.activator)
	env["DOCTOR_START"] = "1500ms"
	if err := x.start("activator", env, x.dubbofn, "run", "--idle", "1s", "--port", x.at(dubboPort), "--admin-port", x.at(adminPort), program); err != nil {
		return err
	}
	if err := x.ready(ctx); err != nil {
		return err
	}
	err := until(ctx, "call", func() error {
		c := exec.CommandContext(ctx, x.dubbofn, "call", "--timeout", "15s", x.iface, "item", "ball")
		c.Env = environment(x.consumer)
		out, err := c.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		return err
	})
	x.consumer["DUBBOFN_CALL_TIMEOUT"] = "1s"
	return err
}

func locked(ctx context.Context, x *site) error {
	x.activator["DUBBOFN_REGISTRY"] = "nacos://nacos:nacos@" + x.nacos
	x.operator["NACOS_USER"], x.operator["NACOS_PASSWORD"] = "nacos", "nacos"
	return x.up(ctx)
}

func expired(ctx context.Context, x *site) error {
	ca, caKey, err := issue(x.home, "authority", nil, nil, time.Now().Add(24*time.Hour))
	if err != nil {
		return err
	}
	if _, _, err := issue(x.home, "activator", ca, caKey, time.Now().Add(-time.Hour)); err != nil {
		return err
	}
	file := func(name string) string { return filepath.Join(x.home, name) }
	x.activator["DUBBOFN_TLS_CERT"], x.activator["DUBBOFN_TLS_KEY"] = file("activator.pem"), file("activator.key")
	x.consumer["DUBBOFN_TLS_CA"] = file("authority.pem")
	x.operator = map[string]string{"DUBBOFN_TLS_CERT": file("activator.pem"), "DUBBOFN_TLS_KEY": file("activator.key"), "CA_CERT": file("authority.pem"), "CA_KEY": file("authority.key")}
	return x.up(ctx)
}

// issue writes a certificate for 127.0.0.1 and its key; without an authority it is one.
func issue(dir, name string, ca *x509.Certificate, caKey *ecdsa.PrivateKey, until time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: until.Add(-48 * time.Hour), NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	by, byKey := ca, caKey
	if ca == nil {
		t.IsCA, t.BasicConstraintsValid, t.KeyUsage = true, true, x509.KeyUsageCertSign
		by, byKey = t, key
	}
	der, err := x509.CreateCertificate(rand.Reader, t, by, &key.PublicKey, byKey)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	for file, block := range map[string]*pem.Block{".pem": {Type: "CERTIFICATE", Bytes: der}, ".key": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name+file), pem.EncodeToMemory(block), 0o600); err != nil {
			return nil, nil, err
		}
	}
	cert, err := x509.ParseCertificate(der)
	return cert, key, err
}

func down(ctx context.Context, x *site) error {
	if err := x.up(ctx); err != nil {
		return err
	}
	x.stop("activator", syscall.SIGKILL)
	return nil
}
