package nacos

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswerBytes is the largest answer over HTTP that is read: a token, or a page of a listing.
const maxAnswerBytes = 8 << 20

// agent is how the SDK asks over HTTP. Its own one keeps idle connections in http.DefaultTransport, which outlive a registry.
type agent struct{ transport *http.Transport }

func newAgent() agent { return agent{&http.Transport{}} }

func (a agent) close() { a.transport.CloseIdleConnections() }

// Request sends params in the query, or, with POST and PUT, as a form.
func (a agent) Request(method, path string, header http.Header, timeoutMs uint64, params map[string]string) (*http.Response, error) {
	form := url.Values{}
	for k, v := range params {
		form.Set(k, v)
	}
	var body io.Reader
	switch method {
	case http.MethodPost, http.MethodPut:
		body = strings.NewReader(form.Encode())
	default:
		path += "?" + form.Encode()
	}
	r, err := http.NewRequest(method, path, body) //nolint:noctx // the SDK's interface has no context; the client's timeout ends it
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	for k, v := range header {
		r.Header[http.CanonicalHeaderKey(k)] = v
	}
	client := http.Client{Transport: a.transport, Timeout: time.Duration(timeoutMs) * time.Millisecond}
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	answer.Body = limited{io.LimitReader(answer.Body, maxAnswerBytes), answer.Body}
	return answer, nil
}

type limited struct {
	io.Reader
	io.Closer
}

// Get, Post, Put and Delete are what the SDK asks an agent for.
func (a agent) Get(path string, header http.Header, timeoutMs uint64, params map[string]string) (*http.Response, error) {
	return a.Request(http.MethodGet, path, header, timeoutMs, params)
}

// Post logs in.
func (a agent) Post(path string, header http.Header, timeoutMs uint64, params map[string]string) (*http.Response, error) {
	return a.Request(http.MethodPost, path, header, timeoutMs, params)
}

// Put is not used by what this package uses.
func (a agent) Put(path string, header http.Header, timeoutMs uint64, params map[string]string) (*http.Response, error) {
	return a.Request(http.MethodPut, path, header, timeoutMs, params)
}

// Delete is not used by what this package uses.
func (a agent) Delete(path string, header http.Header, timeoutMs uint64, params map[string]string) (*http.Response, error) {
	return a.Request(http.MethodDelete, path, header, timeoutMs, params)
}

// RequestOnlyResult gives an answer's text, "" when there is none.
func (a agent) RequestOnlyResult(method, path string, header http.Header, timeoutMs uint64, params map[string]string) string {
	r, err := a.Request(method, path, header, timeoutMs, params)
	if err != nil {
		return ""
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		return ""
	}
	return string(b)
}
