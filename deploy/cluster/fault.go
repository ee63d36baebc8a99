package cluster

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What an error is about, for errors.Is. Their texts say more, and what to do.
var (
	ErrUnreachable = errors.New("the cluster can't be reached")
	ErrForbidden   = errors.New("no right to do that")
	ErrNoKnative   = errors.New("the cluster has no Knative")
	ErrNotFound    = errors.New("there is no such function")
	ErrTaken       = errors.New("it belongs to somebody else") // a field, a name, an interface
	ErrRefused     = errors.New("the cluster refuses it")
	ErrNotReady    = errors.New("the function does not get ready")
)

// refusal is an error whose text is complete, and its kind.
type refusal struct {
	kind  error
	text  string
	cause error
}

func refuse(kind error, format string, args ...any) error {
	return refusal{kind: kind, text: fmt.Sprintf(format, args...)}
}

// Error gives the text.
func (r refusal) Error() string { return r.text }

// Unwrap gives the kind and the cause.
func (r refusal) Unwrap() []error {
	if r.cause == nil {
		return []error{r.kind}
	}
	return []error{r.kind, r.cause}
}

// explain says what the API server's answer means and what to do; op is what was tried, as "apply Knative Service \"greet\"".
func (c *Cluster) explain(op string, err error) error {
	var status apierrors.APIStatus
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(refusal)) || errors.As(err, new(*Trouble)):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: the API server at %s: %w", op, c.base.Host, err)
	case errors.As(err, new(*url.Error)), errors.As(err, new(net.Error)):
		return c.unreachable(op, err)
	case !errors.As(err, &status):
		return fmt.Errorf("%s: %w", op, err)
	}
	text, kind := meaning(status.Status())
	return refusal{kind: kind, text: op + ": " + text, cause: err}
}

func (c *Cluster) unreachable(op string, err error) error {
	var trust *tls.CertificateVerificationError
	if errors.As(err, &trust) {
		return refusal{kind: ErrUnreachable, cause: err, text: fmt.Sprintf("%s: %s shows a certificate that the kubeconfig does not trust: %v; fetch the kubeconfig anew, or choose another --context", op, c.base.Host, trust.Err)}
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return refusal{kind: ErrUnreachable, cause: err, text: fmt.Sprintf("%s: the API server at %s does not answer: %v; is the cluster up ('kubectl get nodes'), and is it the right --context?", op, c.base.Host, err)}
}

var cannot = regexp.MustCompile(`cannot ([a-z]+) resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]+)")?`)

// meaning of an answer of the API server.
func meaning(s metav1.Status) (text string, kind error) {
	switch s.Reason {
	case metav1.StatusReasonUnauthorized:
		return "the API server does not know who asks (401): log in again, or choose another --context", ErrForbidden
	case metav1.StatusReasonForbidden:
		return forbidden(s.Message), ErrForbidden
	case metav1.StatusReasonNotFound:
		switch {
		case s.Details != nil && s.Details.Kind == "namespaces":
			return fmt.Sprintf("there is no namespace %q: 'kubectl create namespace %s' makes it", s.Details.Name, s.Details.Name), ErrNotFound
		case s.Details == nil || s.Details.Name == "" || strings.Contains(s.Message, "could not find the requested resource"):
			return "the cluster does not know that kind of object: Knative Serving, and for triggers Eventing, must be installed (https://knative.dev/docs/install)", ErrNoKnative
		}
		return s.Message, ErrNotFound
	case metav1.StatusReasonConflict:
		if text := managers(s); text != "" {
			return text, ErrTaken
		}
		return s.Message + "; try again", ErrTaken
	case metav1.StatusReasonInvalid, metav1.StatusReasonBadRequest:
		return "the cluster refuses it: " + s.Message, ErrRefused
	}
	if s.Code >= http.StatusInternalServerError && strings.Contains(s.Message, "failed calling webhook") {
		return s.Message + "; Knative's own webhook does not answer: 'kubectl -n knative-serving get pods' tells why", ErrUnreachable
	}
	return s.Message, ErrRefused
}

// forbidden says which right is missing, and what gives it.
func forbidden(message string) string {
	m := cannot.FindStringSubmatch(message)
	if m == nil {
		return message
	}
	verb, namespace := m[1], m[4]
	resource, sub, below := strings.Cut(m[2], "/")
	if m[3] != "" {
		resource += "." + m[3]
	}
	if below {
		resource += "/" + sub
	}
	who, _, _ := strings.Cut(message, " cannot ")
	if _, after, ok := strings.Cut(who, "forbidden: "); ok {
		who = after
	}
	kind, where := "clusterrole", "in all namespaces"
	if namespace != "" {
		kind, where = "role -n "+namespace, "in namespace "+namespace
	}
	return fmt.Sprintf("%s may not %s %s %s: ask for that right, as 'kubectl create %s dubbofn --verb=%s --resource=%s' and a binding give it ('dubbofn deploy --help' lists all that are needed)",
		who, verb, resource, where, kind, verb, resource)
}

const shownConflicts = 4

// managers says whose fields an apply would overwrite; empty: it is another conflict.
func managers(s metav1.Status) string {
	if s.Details == nil {
		return ""
	}
	var fields []string
	for _, cause := range s.Details.Causes {
		if cause.Type == metav1.CauseTypeFieldManagerConflict {
			fields = append(fields, cause.Field+" ("+strings.TrimPrefix(cause.Message, "conflict with ")+")")
		}
	}
	if len(fields) == 0 {
		return ""
	}
	more := ""
	if n := len(fields) - shownConflicts; n > 0 {
		fields, more = fields[:shownConflicts], fmt.Sprintf(" and %d more", n)
	}
	return "somebody else set fields that this would overwrite: " + strings.Join(fields, ", ") + more + "; --force takes them over, or leave them to whoever set them ('dubbofn deploy -o yaml' for their tool)"
}

const maxStatus = 64 << 10

// statusOf reads an answer that is no success as the error that client-go would have made of it.
func statusOf(resp *http.Response, path string) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxStatus))
	if err != nil {
		return err
	}
	var s metav1.Status
	if json.Unmarshal(text, &s) == nil && s.Kind == "Status" {
		return &apierrors.StatusError{ErrStatus: s}
	}
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: int32(resp.StatusCode),
		Message: fmt.Sprintf("GET %s: %s %s", path, resp.Status, strings.TrimSpace(string(text))),
	}}
}
