package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/registry"
)

const (
	maxAddresses = 64
	dialsAtOnce  = 16
	soon         = 14 * 24 * time.Hour // a certificate's end
)

// addresses calls every instance as a consumer would, but for a method that runs: a connection, TLS where it is spoken, a heartbeat, $echo.
func (x *examination) addresses(ctx context.Context, p *patient) bool {
	type place struct {
		i registry.Instance
		s registry.Service
	}
	var all []place
	for _, a := range p.apps {
		for _, i := range a.instances {
			if s, ok := p.serviceOf(p.revisions[revisionID{a.name, i.Revision()}]); ok && len(all) < maxAddresses {
				all = append(all, place{i, s})
			}
		}
	}
	found := make([][]Finding, len(all))
	var wg sync.WaitGroup
	room := make(chan struct{}, dialsAtOnce)
	for n, at := range all {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			found[n] = x.address(ctx, p, at.i, at.s)
		})
	}
	wg.Wait()
	for _, f := range found {
		x.findings = append(x.findings, f...)
	}
	return true
}

// dubboAddress is where a consumer connects for a service of an instance.
func dubboAddress(i registry.Instance, s registry.Service) string {
	port := i.Port
	for _, e := range i.Endpoints() {
		if e.Protocol == s.Protocol {
			port = e.Port
		}
	}
	if s.Port > 0 {
		port = s.Port
	}
	return net.JoinHostPort(i.Host, strconv.Itoa(port))
}

func (x *examination) address(ctx context.Context, p *patient, i registry.Instance, s registry.Service) (found []Finding) {
	address := dubboAddress(i, s)
	f := Finding{Check: "address", State: Bad, Service: p.name}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if s.Protocol != "dubbo" {
		f.State, f.Title, f.Why = Skipped, "not looked at", fmt.Sprintf("%s speaks %q; this looks at dubbo only", address, s.Protocol)
		return []Finding{f}
	}
	if err := reach(ctx, address); err != nil {
		x.closed(p, &f, i, address, err)
		return []Finding{f}
	}
	secret := x.cfg.Secret || s.Params["ssl-enabled"] == "true"
	if secret {
		c, good := x.certificate(ctx, p, address)
		found = append(found, c)
		if !good {
			return append(found, Finding{Check: "address", State: Skipped, Service: p.name, Title: "not looked at", Why: "no consumer trusts what answers at " + address})
		}
	}
	begin := time.Now()
	err := x.echo(ctx, address, invoker.ServiceKey{Interface: s.Name, Version: s.Version, Group: s.Group}, secret)
	took := time.Since(begin)
	code, _ := invoker.CodeOf(err)
	switch {
	case err == nil:
		f.State, f.Title = OK, fmt.Sprintf("%s answers, after %s", address, took.Round(100*time.Microsecond))
	case code == invoker.CodeUnauthenticated:
		f.State, f.Title, f.Why = OK, address+" answers, and wants to know who asks", err.Error()
	case code == invoker.CodeNotFound:
		f.Title, f.Why = fmt.Sprintf("%s answers, but does not know %s", address, p.name), err.Error()
		f.Mend = x.retire(i, p.revisions[revisionID{i.App, i.Revision()}].metadata)
	case !secret && x.speaksTLS(ctx, address):
		f.Title, f.Why = fmt.Sprintf("%s speaks TLS, and its metadata does not say so", address), "a Java provider with ssl files alone does that; in Java: dubbo.ssl.client-trust-cert-collection-path"
		f.Mend, f.Restart = "export DUBBOFN_TLS=always", "consumer"
	default:
		f.Title, f.Why = fmt.Sprintf("%s takes connections and answers no Dubbo call", address), err.Error()
		f.Mend = x.retire(i, p.revisions[revisionID{i.App, i.Revision()}].metadata)
	}
	return append(found, f)
}

// closed says what to do about an address where nobody is.
func (x *examination) closed(p *patient, f *Finding, i registry.Instance, address string, err error) {
	f.Title = fmt.Sprintf("nothing answers at %s, which %s tells consumers", address, i.App)
	if errors.Is(err, syscall.ECONNREFUSED) {
		f.Title = fmt.Sprintf("port closed: %s, which %s tells consumers, refuses connections", address, i.App)
	}
	f.Why = err.Error()
	if len(p.others(i)) > 0 {
		f.Mend = x.retire(i, p.revisions[revisionID{i.App, i.Revision()}].metadata)
		f.Why += "; the command takes it out of consumers' lists until its process ends: start it again, or open the port"
	}
	if f.Mend != "" {
		return
	}
	setting := "DUBBOFN_ADVERTISED_PORT"
	if !errors.Is(err, syscall.ECONNREFUSED) {
		setting = "DUBBOFN_HOST"
	}
	f.Mend, f.Restart = "unset "+setting, "provider"
	f.Why += fmt.Sprintf("; without %s the provider registers where it listens (Java: DUBBO_IP_TO_REGISTRY, DUBBO_PORT_TO_REGISTRY)", setting)
	if _, ok := x.front.of(i.App); !ok {
		return
	}
	f.Why = fmt.Sprintf("%v; the activator lives, so it is elsewhere than %s says, or something between keeps consumers away", err, setting)
	f.Restart = "activator"
	if !x.onThisMachine() {
		f.Mend, f.Restart = "kubectl -n dubbofn set env deployment/dubbofn-activator "+setting+"-", ""
	}
}

// others gives the instances of the service beside one.
func (p *patient) others(than registry.Instance) (all []registry.Instance) {
	for _, r := range p.revisions {
		if _, ok := p.serviceOf(r); !ok {
			continue
		}
		for _, i := range r.instances {
			if i.Address() != than.Address() {
				all = append(all, i)
			}
		}
	}
	return all
}

// echo sends a heartbeat and calls $echo, which runs nothing of the provider's.
func (x *examination) echo(ctx context.Context, address string, key invoker.ServiceKey, secret bool) error {
	cfg := dubbo.ConnConfig{Log: x.cfg.Log}
	if secret {
		cfg.TLS = x.tls.Client()
	}
	conn, err := dubbo.Dial(ctx, address, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	ping, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if err := conn.Ping(ping); err != nil {
		return err
	}
	_, err = conn.Invoke(ctx, &invoker.Invocation{Service: key, Method: "$echo", Descriptor: "Ljava/lang/Object;", Args: []any{"dubbofn doctor"}})
	return err
}

func (x *examination) speaksTLS(ctx context.Context, address string) bool {
	_, err := x.handshake(ctx, address, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // it is only asked whether TLS is spoken
	return err == nil
}

func (x *examination) handshake(ctx context.Context, address string, c *tls.Config) (*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	d := tls.Dialer{Config: c}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	t, ok := conn.(*tls.Conn)
	if !ok || len(t.ConnectionState().PeerCertificates) == 0 {
		return nil, errors.New("no certificate was shown")
	}
	return t.ConnectionState().PeerCertificates[0], nil
}

// certificate looks at what is shown at an address, as the consumer verifies it.
func (x *examination) certificate(ctx context.Context, p *patient, address string) (f Finding, good bool) {
	f = Finding{Check: "certificate", State: OK, Service: p.name}
	shown, seen := x.handshake(ctx, address, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // it is verified below; this tells what is wrong with it
	if seen != nil {
		f.State, f.Title, f.Why = Bad, address+" is said to speak TLS and does not", seen.Error()
		f.Mend, f.Restart = "export DUBBOFN_TLS=never", "consumer"
		return f, false
	}
	until := shown.NotAfter.Local().Format(time.RFC1123)
	_, err := x.handshake(ctx, address, x.tls.Client())
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	switch {
	case err == nil && time.Until(shown.NotAfter) < soon:
		f.State, f.Title, f.Mend = Warn, fmt.Sprintf("the certificate of %s ends soon: %s", address, until), renew(shown)
		f.Why = "where it runs; the file is read again within a second"
	case err == nil:
		f.Title = fmt.Sprintf("the certificate of %s is good until %s", address, until)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && time.Now().After(shown.NotAfter):
		f.State, f.Title, f.Mend = Bad, fmt.Sprintf("the certificate of %s ended %s", address, until), renew(shown)
		f.Why = "the command makes another with the same key, where the provider or the activator runs, which reads the file again within a second"
	case errors.As(err, &name):
		f.State, f.Title, f.Why = Bad, fmt.Sprintf("the certificate of %s is for others: %s", address, strings.Join(names(shown), ", ")), err.Error()
		f.Mend, f.Restart = "export DUBBOFN_TLS_SERVER_NAME="+quote(firstName(shown)), "consumer"
	case errors.As(err, &unknown):
		f.State, f.Title, f.Why = Bad, fmt.Sprintf("the certificate of %s is signed by %q, whom this consumer does not trust", address, shown.Issuer.String()), err.Error()
		f.Mend, f.Restart = `export DUBBOFN_TLS_CA="${CA_CERT:?the file of that authority's certificate}"`, "consumer"
	default:
		f.State, f.Title, f.Why = Bad, fmt.Sprintf("TLS with %s fails", address), err.Error()
		f.Mend, f.Restart = `export DUBBOFN_TLS_CERT="${CLIENT_CERT:?a certificate that it takes}" DUBBOFN_TLS_KEY="${CLIENT_KEY:?its key}"`, "consumer"
	}
	return f, f.State != Bad
}

func names(c *x509.Certificate) (all []string) {
	all = append(all, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	return all
}

func firstName(c *x509.Certificate) string {
	if all := names(c); len(all) > 0 {
		return all[0]
	}
	return "*"
}

// renew writes the command that makes a certificate like another one, with the same key: signed by itself, or by an authority whose files the
// one who runs it knows.
func renew(c *x509.Certificate) string {
	var alt []string
	for _, n := range c.DNSNames {
		alt = append(alt, "DNS:"+n)
	}
	for _, ip := range c.IPAddresses {
		alt = append(alt, "IP:"+ip.String())
	}
	const cert, key = `"${DUBBOFN_TLS_CERT:?its file}"`, `"${DUBBOFN_TLS_KEY:?the file of its key}"`
	extension := quote("subjectAltName=" + strings.Join(alt, ","))
	subject := quote("/CN=" + c.Subject.CommonName)
	if c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil {
		return fmt.Sprintf("openssl req -x509 -new -key %s -subj %s -addext %s -days 90 -out %s", key, subject, extension, cert)
	}
	return fmt.Sprintf(`openssl req -new -key %s -subj %s | openssl x509 -req -CA "${CA_CERT:?the certificate of the authority}" -CAkey "${CA_KEY:?its key}" -CAcreateserial -days 90 -extfile <(echo %s) -out %s`,
		key, subject, extension, cert)
}
