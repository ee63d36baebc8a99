package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// pods follows the pods of one Knative Service. A pod that has been told to end is no longer live: it gets no new requests.
type pods struct {
	client *http.Client
	path   string

	mu   sync.Mutex
	seen map[string]*pod
	move chan struct{} // closed and renewed at every change
	err  error
}

type pod struct {
	created, ready, told, gone time.Time // as they were seen; told: to end
	revision                   string
	exit                       int // of the function's process, once it is known
}

type podObject struct {
	Metadata struct {
		Name              string            `json:"name"`
		DeletionTimestamp string            `json:"deletionTimestamp"`
		Labels            map[string]string `json:"labels"`
	} `json:"metadata"`
	Status struct {
		Conditions []struct {
			Type   string `json:"type"`
			Status string `json:"status"`
		} `json:"conditions"`
		ContainerStatuses []struct {
			Name  string `json:"name"`
			State struct {
				Terminated *struct {
					ExitCode int `json:"exitCode"`
				} `json:"terminated"`
			} `json:"state"`
		} `json:"containerStatuses"`
	} `json:"status"`
}

// followPods lists, then watches until ctx ends. keys is the folder with ca.crt, admin.crt and admin.key.
func followPods(ctx context.Context, api, keys, namespace, service string) (*pods, error) {
	ca, err := os.ReadFile(filepath.Join(keys, "ca.crt"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, errors.New("ca.crt holds no certificate")
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(keys, "admin.crt"), filepath.Join(keys, "admin.key"))
	if err != nil {
		return nil, err
	}
	p := &pods{
		client: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}}},
		path:   fmt.Sprintf("%s/api/v1/namespaces/%s/pods?labelSelector=%s", api, namespace, url.QueryEscape("serving.knative.dev/service="+service)),
		seen:   map[string]*pod{}, move: make(chan struct{}),
	}
	version, err := p.list(ctx)
	if err != nil {
		return nil, err
	}
	go p.follow(ctx, version)
	return p, nil
}

func (p *pods) get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, path, http.NoBody)
	if err != nil {
		return nil, err
	}
	res, err := p.client.Do(req)
	if err == nil && res.StatusCode != http.StatusOK {
		res.Body.Close()
		err = fmt.Errorf("%s: %s", path, res.Status)
	}
	return res, err
}

func (p *pods) list(ctx context.Context) (version string, err error) {
	res, err := p.get(ctx, p.path)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var all struct {
		Metadata struct {
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
		Items []podObject `json:"items"`
	}
	if err := json.NewDecoder(res.Body).Decode(&all); err != nil {
		return "", err
	}
	there := map[string]bool{}
	for _, o := range all.Items {
		there[o.Metadata.Name] = true
		p.note(o, false)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, pod := range p.seen {
		if !there[name] && pod.gone.IsZero() {
			pod.gone = time.Now()
		}
	}
	return all.Metadata.ResourceVersion, nil
}

// follow renews the watch, which the server ends in its time.
func (p *pods) follow(ctx context.Context, version string) {
	for ctx.Err() == nil {
		err := p.watch(ctx, version)
		if err == nil {
			version, err = p.list(ctx)
		}
		if err != nil {
			p.mu.Lock()
			p.err = err
			close(p.move)
			p.move = make(chan struct{})
			p.mu.Unlock()
			return
		}
	}
}

func (p *pods) watch(ctx context.Context, version string) error {
	res, err := p.get(ctx, p.path+"&watch=1&resourceVersion="+version)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var event struct {
			Type   string    `json:"type"`
			Object podObject `json:"object"`
		}
		if json.Unmarshal(lines.Bytes(), &event) != nil || event.Type == "ERROR" {
			return nil
		}
		p.note(event.Object, event.Type == "DELETED")
	}
	return nil
}

func (p *pods) note(o podObject, gone bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, s := time.Now(), p.seen[o.Metadata.Name]
	if s == nil {
		s = &pod{created: now, revision: o.Metadata.Labels["serving.knative.dev/revision"]}
		p.seen[o.Metadata.Name] = s
	}
	for _, c := range o.Status.Conditions {
		if c.Type == "Ready" && c.Status == "True" && s.ready.IsZero() {
			s.ready = now
		}
	}
	for _, c := range o.Status.ContainerStatuses {
		if c.Name == "function" && c.State.Terminated != nil {
			s.exit = c.State.Terminated.ExitCode
		}
	}
	if (gone || o.Metadata.DeletionTimestamp != "") && s.told.IsZero() {
		s.told = now
	}
	if gone {
		s.gone = now
	}
	close(p.move)
	p.move = make(chan struct{})
}

// live counts the pods that are made and not told to end, by Knative revision.
func (p *pods) live() (all int, by map[string]int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	by = map[string]int{}
	for _, s := range p.seen {
		if s.told.IsZero() && s.gone.IsZero() {
			all++
			by[s.revision]++
		}
	}
	return all, by
}

// before tells whether a pod was made before a moment.
func (p *pods) before(name string, moment time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.seen[name]
	return s != nil && s.created.Before(moment)
}

// made is when a pod was first seen.
func (p *pods) made(name string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.seen[name]; s != nil {
		return s.created
	}
	return time.Time{}
}

// toZero waits until no pod is live.
func (p *pods) toZero(ctx context.Context) error {
	for {
		p.mu.Lock()
		move, err := p.move, p.err
		p.mu.Unlock()
		if err != nil {
			return err
		}
		if n, _ := p.live(); n == 0 {
			return nil
		}
		select {
		case <-move:
		case <-ctx.Done():
			return fmt.Errorf("wait for zero pods: %w", ctx.Err())
		}
	}
}
