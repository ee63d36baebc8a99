package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// probe is one request to whatever takes events, and the answer that Knative's delivery contract wants: 400 for what can never work, which is not sent
// again, never 404 or 5xx for it, which would be.
type probe struct {
	name    string
	method  string // default: POST
	headers map[string]string
	body    string
	status  int
	reply   string            // the reply event's type; empty: none
	answer  map[string]string // headers that it must have
}

const (
	structured = "application/cloudevents+json"
	batched    = "application/cloudevents-batch+json"
	plainJSON  = "application/json"
)

// binary gives the headers of an event in binary mode. A header named "-NAME" takes NAME away.
func binary(id, kind string, more ...string) map[string]string {
	h := map[string]string{"ce-specversion": "1.0", "ce-id": id, "ce-source": "/probe", "ce-type": kind}
	for i := 0; i+1 < len(more); i += 2 {
		h[more[i]] = more[i+1]
		if name, drop := strings.CutPrefix(more[i], "-"); drop {
			delete(h, name)
			delete(h, more[i])
		}
	}
	return h
}

func in(contentType string) map[string]string { return map[string]string{"Content-Type": contentType} }

// inStructured writes an event in structured mode.
func inStructured(id, kind, more string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/probe","type":%q%s}`, id, kind, more)
}

func probes() []probe {
	const tick, tock, keep = "org.dubbofn.tick", "org.dubbofn.tock", "org.dubbofn.keep"
	const name = `,"data":{"name":"Ada"}`
	return []probe{
		{name: "binary", headers: binary("p1", tick, "Content-Type", plainJSON), body: `{"name":"Ada"}`, status: 200, reply: tock},
		{name: "binary, the same again", headers: binary("p1", tick, "Content-Type", plainJSON), body: `{"name":"Ada"}`, status: 200, reply: tock},
		{name: "binary without data", headers: binary("p2", keep), status: 202},
		{name: "binary, no reply", headers: binary("p3", keep, "Content-Type", plainJSON), body: `{"n":1}`, status: 202},
		{name: "a method that may work later", headers: binary("p4", "org.dubbofn.busy"), status: 503},
		{name: "a method that fails for good", headers: binary("p5", "org.dubbofn.broken"), status: 422},
		{name: "structured", headers: in(structured), body: inStructured("p6", tick, name), status: 200, reply: tock},
		{name: "structured with charset", headers: in(structured + "; charset=utf-8"), body: inStructured("p7", keep, ""), status: 202},
		{name: "structured, cut off", headers: in(structured), body: `{"specversion":"1.0",`, status: 400},
		{name: "structured without id", headers: in(structured), body: `{"specversion":"1.0","source":"/probe","type":"org.dubbofn.keep"}`, status: 400},
		{name: "structured, data and data_base64", headers: in(structured), body: inStructured("p10", keep, `,"data":1,"data_base64":"AQ=="`), status: 400},
		{name: "structured beside ce- headers", headers: binary("p11", "org.dubbofn.none", "Content-Type", structured), body: inStructured("p11b", keep, ""), status: 202},
		{name: "a batch of two", headers: in(batched), body: "[" + inStructured("p12", keep, "") + "," + inStructured("p12b", tick, name) + "]", status: 202},
		{name: "no ce- headers", headers: in(plainJSON), body: `{"n":1}`, status: 400},
		{name: "no id", headers: binary("", keep, "-ce-id", ""), status: 400},
		{name: "an empty id", headers: binary("", keep), status: 400},
		{name: "no source", headers: binary("p16", keep, "-ce-source", ""), status: 400},
		{name: "no specversion", headers: binary("p17", keep, "-ce-specversion", ""), status: 400},
		{name: "specversion 2.0", headers: binary("p18", keep, "ce-specversion", "2.0"), status: 400},
		{name: "specversion 0.3", headers: binary("p19", keep, "ce-specversion", "0.3"), status: 202},
		{name: "a time that is none", headers: binary("p20", keep, "ce-time", "yesterday"), status: 400},
		{name: "an extension's name that is none", headers: binary("p21", keep, "ce-bad_name", "x"), status: 400},
		{name: "percent-encoded", headers: binary("p22", keep, "ce-subject", "Euro%20%E2%82%AC"), status: 202},
		{name: "GET", method: http.MethodGet, status: 405, answer: map[string]string{"Allow": "POST, OPTIONS"}},
		{name: "OPTIONS", method: http.MethodOptions, headers: map[string]string{"WebHook-Request-Origin": "emitter.example.com"}, status: 200,
			answer: map[string]string{"Allow": "POST, OPTIONS", "WebHook-Allowed-Origin": "emitter.example.com"}},
		{name: "a type that no rule is for", headers: binary("p25", "org.dubbofn.none"), status: 400},
		{name: "data that doesn't fit", headers: binary("p26", tick, "Content-Type", plainJSON), body: `{"name":{"first":"Ada"}}`, status: 400},
		{name: "a batch that is cut off", headers: in(batched), body: "[" + inStructured("p27", keep, "") + ",", status: 400},
		{name: "percent-encoded, not UTF-8", headers: binary("p28", keep, "ce-subject", "Euro%FF"), status: 400},
		{name: "12 MB", headers: binary("p29", keep, "Content-Type", plainJSON), body: `"` + strings.Repeat("x", 12<<20) + `"`, status: 413},
		{name: "a chain of replies at its end", headers: binary("p30", tick, "Content-Type", plainJSON, "ce-dubbofnttl", "0"), body: `{"name":"Ada"}`, status: 202},
	}
}

// probe sends every request, and says which answers were wrong.
func sendProbes(ctx context.Context, url, kept string) error {
	var faults []error
	ids := map[string]string{}
	all := probes()
	for _, p := range all {
		got, err := p.send(ctx, url)
		if err == nil {
			err = p.check(got)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", p.name, err))
			continue
		}
		ids[p.name] = got.replyID
	}
	if a, b := ids["binary"], ids["binary, the same again"]; a != b {
		faults = append(faults, fmt.Errorf("an event that came twice got the replies %q and %q", a, b))
	}
	events, err := readKept(kept)
	if err != nil {
		faults = append(faults, err)
	}
	for id, subject := range map[string]any{"p22": "Euro €", "p11b": nil, "p2": nil, "p12": nil} {
		if ev := events[id]; ev == nil || ev["subject"] != subject {
			faults = append(faults, fmt.Errorf("event %s reached the method as %v, want subject %v", id, ev, subject))
		}
	}
	if len(faults) == 0 {
		fmt.Printf("probes: %d requests answered as Knative's contract wants ok\n", len(all))
	}
	return errors.Join(faults...)
}

// answered is what came back.
type answered struct {
	status         int
	headers        http.Header
	reply, replyID string // the reply event's type and id
	body           string
}

func (p probe) send(ctx context.Context, url string) (a answered, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	method := p.method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(p.body))
	if err != nil {
		return a, err
	}
	for k, v := range p.headers {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return a, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	a = answered{status: res.StatusCode, headers: res.Header, reply: res.Header.Get("Ce-Type"), replyID: res.Header.Get("Ce-Id"), body: string(body)}
	if err == nil && strings.HasPrefix(res.Header.Get("Content-Type"), structured) {
		var ev struct{ ID, Type string }
		if err = json.Unmarshal(body, &ev); err == nil {
			a.reply, a.replyID = ev.Type, ev.ID
		}
	}
	return a, err
}

func (p probe) check(a answered) error {
	var faults []error
	if a.status != p.status {
		faults = append(faults, fmt.Errorf("status %d, want %d: %.200q", a.status, p.status, a.body))
	}
	if a.reply != p.reply {
		faults = append(faults, fmt.Errorf("reply event %q, want %q", a.reply, p.reply))
	}
	for k, want := range p.answer {
		if got := a.headers.Get(k); got != want {
			faults = append(faults, fmt.Errorf("header %s: %q, want %q", k, got, want))
		}
	}
	if a.status >= 400 && p.method == "" && (a.body == "" || len(a.body) > 1024) {
		faults = append(faults, fmt.Errorf("the text has %d bytes, want 1 to 1024: it ends up in dead letters", len(a.body)))
	}
	return errors.Join(faults...)
}

// readKept reads the events that the function's method keep has written down, by their ids.
func readKept(path string) (map[string]map[string]any, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	all := map[string]map[string]any{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var ev map[string]any
		if err := json.Unmarshal(lines.Bytes(), &ev); err != nil {
			return nil, fmt.Errorf("%s: %.100q: %w", path, lines.Text(), err)
		}
		id, _ := ev["id"].(string)
		if all[id] != nil {
			return nil, fmt.Errorf("%s: event %q was kept twice", path, id)
		}
		all[id] = ev
	}
	return all, lines.Err()
}

// conformance has the CloudEvents project's own tool send its events, and compares what the method got with what the tool's files say.
func conformance(ctx context.Context, tool, files, url, kept string) error {
	run := exec.CommandContext(ctx, tool, "invoke", url, "-f", filepath.Join(files, "v1.0"), "-R")
	if out, err := run.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", run, err, out)
	}
	text, err := os.ReadFile(filepath.Join(files, "v1.0", "v1_minimum.yaml"))
	if err != nil {
		return err
	}
	got, err := readKept(kept)
	if err != nil {
		return err
	}
	var faults []error
	n := 0
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; n++ {
		var want struct {
			ContextAttributes map[string]any `yaml:"ContextAttributes"`
			Data              string         `yaml:"Data"`
		}
		if err := decoder.Decode(&want); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		faults = append(faults, sameEvent(want.ContextAttributes, want.Data, got[fmt.Sprint(want.ContextAttributes["id"])]))
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	if n == 0 {
		return errors.New("the conformance tool's file has no event")
	}
	fmt.Printf("conformance: %d events of the CloudEvents conformance tool 0.4.1 reached the method unchanged ok\n", n)
	return nil
}

// sameEvent compares an event with what the method got of it: data as JSON, or as text.
func sameEvent(attributes map[string]any, data string, got map[string]any) error {
	id := fmt.Sprint(attributes["id"])
	if got == nil {
		return fmt.Errorf("event %s did not reach the method", id)
	}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		want := attributes[name]
		if name == "specversion" { // a number in YAML
			want = "1.0"
		}
		if got[name] != want {
			faults = append(faults, fmt.Errorf("event %s: %s is %v, want %v", id, name, got[name], want))
		}
	}
	want := any([]byte(data)) // what is neither JSON nor text comes as bytes, which JSON writes as base64
	switch kind, _ := attributes["datacontenttype"].(string); {
	case strings.HasPrefix(kind, "text/"):
		want = data
	case kind == "" || strings.HasPrefix(kind, plainJSON):
		if err := json.Unmarshal([]byte(data), &want); err != nil {
			return err
		}
	}
	a, errA := json.Marshal(want)
	b, errB := json.Marshal(got["data"])
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	if !bytes.Equal(a, b) {
		faults = append(faults, fmt.Errorf("event %s: data is %.200s, want %.200s", id, b, a))
	}
	return errors.Join(faults...)
}

// senders checks that events which SDKs for other languages have sent reached the method as they were meant.
func senders(kept string, ids [][]string) error {
	got, err := readKept(kept)
	if err != nil {
		return err
	}
	var faults []error
	all := slices.Concat(ids...)
	for _, id := range all {
		subject := "caf\u00e9 \u20ac \"q\""
		if id == "js-binary" { // whose SDK can't send others
			subject = "cafe \"q\""
		}
		language, _, _ := strings.Cut(id, "-")
		faults = append(faults, sameEvent(map[string]any{"id": id, "source": "/senders/" + language, "type": "org.dubbofn.keep", "subject": subject, "tenant": "a",
			"datacontenttype": got[id]["datacontenttype"]}, `{"n":1}`, got[id]))
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	fmt.Printf("senders: %s reached the method unchanged ok\n", strings.Join(all, ", "))
	return nil
}
