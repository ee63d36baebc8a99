package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	placedType    = "org.example.order.placed"
	acceptedType  = "org.example.order.accepted"
	eventPatience = time.Minute
)

// printed is a line of 'dubbofn sink'.
type printed struct {
	Time   time.Time `json:"time"`
	Failed *struct {
		Code   string `json:"code"`
		Answer string `json:"answer"`
	} `json:"failed"`
	Event struct {
		ID   string          `json:"id"`
		Type string          `json:"type"`
		Data json.RawMessage `json:"data"`
	} `json:"event"`
	text string
}

type events struct {
	*settings
	checks
	pods *pods
	http *http.Client
}

// measureEvents sends the broker orders while the function is at zero, then events that it refuses, and reads what came to the sink.
func measureEvents(ctx context.Context, s *settings) error {
	e := &events{settings: s, http: &http.Client{Timeout: time.Minute}}
	var err error
	if e.pods, err = followPods(ctx, s.api, s.keys, s.namespace, s.service); err != nil {
		return err
	}
	fmt.Println("from when the event is sent: a pod is made, the method has run, its reply is at the sink; the broker answers the sender, 202, which its")
	fmt.Println("in-memory channel does once the event is delivered")
	fmt.Printf("%3s %10s %10s %10s %10s\n", "#", "pod", "handled", "reply", "accepted")
	var handled, replied sample
	for number := 1; len(handled) < s.wakes; number++ {
		if number > 2*s.wakes {
			return fmt.Errorf("of %d events only %d woke a pod of their own", number-1, len(handled))
		}
		h, r, old, err := e.wake(ctx, number)
		if err != nil {
			return err
		}
		if !old {
			handled, replied = append(handled, h), append(replied, r)
		}
	}
	fmt.Println("handled ", handled)
	fmt.Println("reply   ", replied)
	e.check(true, "%d events woke %s from zero; each was handled, and its reply came back through the broker", s.wakes, s.service)
	for _, r := range []struct{ id, data, code, answer string }{
		{"refused-422", `{"id":"refused-422","sku":"cup","count":0}`, "422", "want a sku and a count"},
		{"refused-400", `{"id":`, "400", "JSON"},
	} {
		if err := e.refused(ctx, r.id, r.data, r.code, r.answer); err != nil {
			return err
		}
	}
	return e.err()
}

// wake sends an order at zero. old: it met a pod that was about to end.
func (e *events) wake(ctx context.Context, number int) (handled, replied time.Duration, old bool, err error) {
	zero, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if err := e.pods.toZero(zero); err != nil {
		return 0, 0, false, err
	}
	// Knative hears of the end of a pod a moment later; and the kubelet looks at pods once a second, at no fixed distance from here
	if err := pause(ctx, time.Second+rand.N(time.Second)); err != nil {
		return 0, 0, false, err
	}
	id := fmt.Sprintf("o%d-%d", number, time.Now().UnixNano())
	began := time.Now()
	if err := e.post(ctx, id, fmt.Sprintf(`{"id":%q,"sku":"cup","count":2}`, id)); err != nil {
		return 0, 0, false, err
	}
	accepted := time.Since(began)
	reply, err := e.atSink(ctx, func(p printed) bool {
		return p.Event.Type == acceptedType && strings.Contains(string(p.Event.Data), id)
	})
	if err != nil {
		return 0, 0, false, err
	}
	pod, at, err := e.handled(ctx, id)
	if err != nil {
		return 0, 0, false, err
	}
	if number == 1 {
		fmt.Println("the sink printed", reply.text)
	}
	word := ""
	if old = e.pods.before(pod, began); old {
		word = "by a pod that was about to end: not counted"
	}
	handled, replied = at.Sub(began), reply.Time.Sub(began)
	fmt.Printf("%3d %10s %10s %10s %10s  %s\n", number, ms(e.pods.made(pod).Sub(began)), ms(handled), ms(replied), ms(accepted), word)
	return handled, replied, old, nil
}

// refused sends what the function can never handle.
func (e *events) refused(ctx context.Context, id, data, code, answer string) error {
	began := time.Now()
	if err := e.post(ctx, id, data); err != nil {
		return err
	}
	dead, err := e.atSink(ctx, func(p printed) bool { return p.Failed != nil && p.Event.ID == id })
	if err != nil {
		return err
	}
	fmt.Println("the sink printed", dead.text)
	e.check(dead.Failed.Code == code && strings.Contains(dead.Failed.Answer, answer) && dead.Event.Type == placedType,
		"what was refused is a dead letter after %s, with code %s and the answer %q", strings.TrimSpace(ms(dead.Time.Sub(began))), dead.Failed.Code, dead.Failed.Answer)
	return nil
}

// post sends the broker an event, and wants 202.
func (e *events) post(ctx context.Context, id, data string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.broker, strings.NewReader(data))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{"Ce-Specversion": "1.0", "Ce-Id": id, "Ce-Source": "/lab", "Ce-Type": placedType, "Content-Type": "application/json"} {
		req.Header.Set(name, value)
	}
	res, err := e.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusAccepted {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1024))
		return fmt.Errorf("the broker answered %s: %s", res.Status, text)
	}
	return nil
}

// atSink waits for a line of the sink.
func (e *events) atSink(ctx context.Context, want func(printed) bool) (printed, error) {
	end, cancel := context.WithTimeout(ctx, eventPatience)
	defer cancel()
	for {
		names, err := e.names(end, "app.kubernetes.io/name="+e.sink)
		if err != nil {
			return printed{}, err
		}
		for _, name := range names {
			lines, err := e.lines(end, name, "sink")
			if err != nil {
				return printed{}, err
			}
			for _, l := range lines {
				p := printed{text: l.text}
				if json.Unmarshal([]byte(l.text), &p) == nil && want(p) {
					return p, nil
				}
			}
		}
		if err := pause(end, 50*time.Millisecond); err != nil {
			return printed{}, fmt.Errorf("wait for an event at the sink: %w", err)
		}
	}
}

// placedLine is what the function logs once the method has run.
var placedLine = regexp.MustCompile(`msg"?[=:]"order placed"`)

// handled finds the pod that placed an order, and when.
func (e *events) handled(ctx context.Context, id string) (pod string, at time.Time, err error) {
	names, err := e.names(ctx, "serving.knative.dev/service="+e.service)
	if err != nil {
		return "", time.Time{}, err
	}
	for _, name := range names {
		lines, err := e.lines(ctx, name, "function")
		if err != nil {
			continue // a pod of the wake before may be gone by now
		}
		n := slices.IndexFunc(lines, func(l logLine) bool { return placedLine.MatchString(l.text) && strings.Contains(l.text, id) })
		if n >= 0 {
			return name, lines[n].at, nil
		}
	}
	return "", time.Time{}, fmt.Errorf("no pod of %s says that it placed order %s", e.service, id)
}

// names lists pods by their labels.
func (e *events) names(ctx context.Context, labels string) ([]string, error) {
	res, err := e.pods.get(ctx, fmt.Sprintf("%s/api/v1/namespaces/%s/pods?labelSelector=%s", e.api, e.namespace, url.QueryEscape(labels)))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var all struct {
		Items []podObject `json:"items"`
	}
	if err := json.NewDecoder(res.Body).Decode(&all); err != nil {
		return nil, err
	}
	var names []string
	for _, o := range all.Items {
		names = append(names, o.Metadata.Name)
	}
	return names, nil
}

// logLine is one that a container printed, and when.
type logLine struct {
	at   time.Time
	text string
}

func (e *events) lines(ctx context.Context, pod, container string) ([]logLine, error) {
	res, err := e.pods.get(ctx, fmt.Sprintf("%s/api/v1/namespaces/%s/pods/%s/log?timestamps=true&container=%s", e.api, e.namespace, pod, container))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var all []logLine
	in := bufio.NewScanner(res.Body)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		stamp, text, _ := strings.Cut(in.Text(), " ")
		at, err := time.Parse(time.RFC3339Nano, stamp)
		if err != nil {
			return nil, fmt.Errorf("log of %s: %w", pod, err)
		}
		all = append(all, logLine{at, text})
	}
	return all, in.Err()
}
