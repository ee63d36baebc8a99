package image

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// explainRegistry says what a registry's answer means, and what to do.
func explainRegistry(what string, repository name.Repository, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	host, path := repository.RegistryStr(), repository.RepositoryStr()
	because := func(kind error, format string, args ...any) error {
		return &fault{text: fmt.Sprintf("%s: "+format+" (%s)", append(append([]any{what}, args...), told(err))...), kind: kind, from: err}
	}
	var answer *transport.Error
	var unknown *net.DNSError
	switch {
	case errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound && strings.HasPrefix(what, "base "):
		return because(ErrRefused, "%s has no such image of that tag; is its name right?", host)
	case errors.As(err, &answer):
		return explainStatus(because, answer.StatusCode, host, path)
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return because(ErrUnreachable, "%s speaks HTTP without TLS; --plain-http speaks so to it", host)
	case errors.As(err, new(*tls.CertificateVerificationError)), errors.As(err, new(x509.UnknownAuthorityError)), strings.Contains(err.Error(), "x509: "):
		return because(ErrUnreachable, "the certificate of %s is not trusted here; add who signed it to this machine's certificates, or name a file with it by SSL_CERT_FILE", host)
	case strings.Contains(err.Error(), "malformed HTTP response"):
		return because(ErrUnreachable, "%s wants TLS; leave --plain-http out, and do not call it by an address of this machine", host)
	case errors.As(err, &unknown):
		return because(ErrUnreachable, "there is no host %q; is the name right?", unknown.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return because(ErrUnreachable, "nothing listens at %s; is the registry running, is it that port?", host)
	case errors.As(err, new(*net.OpError)):
		return because(ErrUnreachable, "%s does not answer; is it the right address, is a proxy or a firewall between?", host)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// explainStatus is for what a registry answers by HTTP.
func explainStatus(because func(kind error, format string, args ...any) error, status int, host, path string) error {
	switch {
	case status == http.StatusUnauthorized:
		return because(ErrRefused, "%s wants a login, or does not take the one that is kept here; 'docker login %s' or 'podman login %s' keeps one", host, host, host)
	case status == http.StatusForbidden:
		return because(ErrRefused, "%s does not let you at %s; ask its owner for the right to push, or name another one", host, path)
	case status == http.StatusNotFound:
		return because(ErrRefused, "%s has no %s; some registries want a project or a repository to be made first", host, path)
	case status == http.StatusTooManyRequests:
		return because(ErrRefused, "%s had too many requests from you; try again later, or log in", host)
	case status == http.StatusRequestEntityTooLarge:
		return because(ErrRefused, "%s takes no layer of this size; its proxy's limit of bodies is too low", host)
	case status >= http.StatusInternalServerError:
		return because(ErrUnreachable, "%s answers %d: the fault is there; look at its log, and try again", host, status)
	}
	return because(ErrRefused, "%s answers %d", host, status)
}

// told is an error's own text, short.
func told(err error) string {
	const enough = 300
	text := strings.Join(strings.Fields(err.Error()), " ")
	if len(text) > enough {
		return text[:enough] + "…"
	}
	return text
}

// explainDisk says what a full or a closed disk means.
func explainDisk(what string, err error) error {
	var own *fault
	switch {
	case errors.As(err, &own) || strings.HasPrefix(err.Error(), "build "):
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%s: the disk is full; free some of it, or name another folder for temporary files by TMPDIR: %w", what, err)
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%s: you may not write there; name another place: %w", what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
