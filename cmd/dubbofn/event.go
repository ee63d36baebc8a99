package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/internal/cebind"
	"github.com/dubbofn/dubbofn/internal/terminal"
	"github.com/dubbofn/dubbofn/invoker"
)

func eventCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "event",
		Short: "Send events",
		Args:  cobra.NoArgs,
		RunE:  help,
	}
	c.AddCommand(eventSendCommand())
	return c
}

// eventFlags are what `dubbofn event send` takes.
type eventFlags struct {
	kind, source, subject, id, data, contentType, host, admin string
	extensions                                                []string
	structured                                                bool
	timeout                                                   time.Duration
}

func eventSendCommand() *cobra.Command {
	var f eventFlags
	c := &cobra.Command{
		Use:   "send FUNCTION|URL --type TYPE",
		Short: "Send a CloudEvent to a function, and show what came back",
		Long: `Send a CloudEvent over HTTP, and show the answer: the reply event, or that the event was taken, or why not.

FUNCTION is one that an activator knows ('dubbofn run' has one inside): it is asked where that is, and a function that sleeps wakes. URL is anything that takes
events: a function, a broker's ingress, a sink.

--data is JSON, or any text with another --content-type; @FILE reads a file, @- standard input. The id is a new one, unless it is given: the same source and
id again are the same event, which a function does not handle twice.

An answer of 422 (the method threw an exception) ends with 1, of 400 (no rule matches, or the event can't be read) with 2, of 401, 403 and 429 with 5, of 504 with
4, of 502 and 503 with 6.`,
		Example: `  dubbofn event send order --type org.example.order.placed --data '{"id":"o1","sku":"cup","count":2}'
  dubbofn event send http://127.0.0.1:8080 --type org.example.picture.stored --content-type image/png --data @photo.png
  dubbofn event send order --type org.example.order.placed --id 7 -e priority=high --data @order.json -o json | jq .reply.data`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("event send needs one FUNCTION or URL; got %d", len(args))
			}
			return nil
		},
	}
	f.add(c)
	o := outputFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		e, err := f.event(c.InOrStdin())
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(c.Context(), f.timeout)
		defer cancel()
		to, host, err := f.target(ctx, args[0])
		if err != nil {
			return err
		}
		a, err := sendEvent(ctx, to, host, e, f.structured)
		if err != nil {
			return err
		}
		if err := o.show(c, a, a.text); err != nil {
			return err
		}
		return a.fault(to)
	}
	return c
}

// add adds the flags.
func (f *eventFlags) add(c *cobra.Command) {
	fs := c.Flags()
	fs.StringVar(&f.kind, "type", "", "what happened: org.example.order.placed (needed)")
	fs.StringVar(&f.source, "source", "/dubbofn", "where it happened, a URI or a part of one")
	fs.StringVar(&f.subject, "subject", "", "what it happened to")
	fs.StringVar(&f.id, "id", "", "which of the source's events it is (default: a new one)")
	fs.StringArrayVarP(&f.extensions, "extension", "e", nil, "name=value of an extension attribute; may be given several times")
	fs.StringVarP(&f.data, "data", "d", "", "the data, or @FILE, or @- for standard input")
	fs.StringVar(&f.contentType, "content-type", "application/json", "what the data is")
	fs.BoolVar(&f.structured, "structured", false, "send the event whole as JSON, rather than its attributes as headers")
	fs.StringVar(&f.host, "host", "", "the Host header, for a URL behind which several functions are")
	fs.StringVar(&f.admin, "admin", cmp.Or(adminAddress(), "127.0.0.1:9090"), "the activator's port for operators, where a FUNCTION is asked for (environment: DUBBOFN_ADMIN)")
	fs.DurationVar(&f.timeout, "timeout", 30*time.Second, "how long to wait for the answer")
}

const maxEventBytes = 64 << 20

// event makes the event that the flags describe.
func (f *eventFlags) event(in io.Reader) (event.Event, error) {
	e := event.New()
	e.SetID(cmp.Or(f.id, rand.Text()))
	e.SetSource(f.source)
	e.SetType(f.kind)
	e.SetTime(time.Now())
	if f.subject != "" {
		e.SetSubject(f.subject)
	}
	for _, x := range f.extensions {
		name, value, ok := strings.Cut(x, "=")
		if !ok || name != strings.ToLower(name) {
			return e, usagef("--extension %q: want name=value, the name in small letters and digits", x)
		}
		e.SetExtension(name, value)
	}
	data := []byte(f.data)
	if file, ok := strings.CutPrefix(f.data, "@"); ok {
		var err error
		if file != "-" {
			data, err = os.ReadFile(file)
		} else {
			data, err = io.ReadAll(io.LimitReader(in, maxEventBytes))
		}
		if err != nil {
			return e, usagef("--data: %w", err)
		}
	}
	if len(data) > 0 {
		if f.contentType == "application/json" && !json.Valid(data) {
			return e, usagef("--data is no JSON: %.60q; text takes --content-type text/plain", data)
		}
		e.SetDataContentType(f.contentType)
		e.DataEncoded = data
	}
	if f.kind == "" {
		return e, usagef("event send needs a --type, e.g. --type org.example.order.placed")
	}
	if err := e.Validate(); err != nil {
		return e, usageError{fmt.Errorf("no event comes of it: %w", err)}
	}
	return e, nil
}

// target gives where a function takes events, as the activator knows it, or the URL itself.
func (f *eventFlags) target(ctx context.Context, to string) (at, host string, err error) {
	if strings.Contains(to, "://") {
		u, err := url.Parse(to)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return "", "", usagef("event send %q: want a function's name, or http://host:port", to)
		}
		return to, f.host, nil
	}
	var all []struct {
		App      string `json:"app"`
		Function string `json:"function"`
		URL      string `json:"url"`
		Host     string `json:"host"`
	}
	if err := askActivator(ctx, f.admin, "/api/functions", &all); err != nil {
		return "", "", err
	}
	var names []string
	for _, x := range all {
		if (x.Function == to || x.App == to) && x.URL != "" {
			return x.URL, cmp.Or(f.host, x.Host), nil
		}
		names = append(names, cmp.Or(x.App, x.Function))
	}
	return "", "", invoker.Errorf(invoker.CodeNotFound, "event send", "the activator at %s has no function %q; it has %s", f.admin, to, strings.Join(names, ", "))
}

// eventAnswer is what came back.
type eventAnswer struct {
	Status int             `json:"status"`
	Reply  json.RawMessage `json:"reply,omitempty"` // an event
	Text   string          `json:"text,omitempty"`  // why not
	Took   float64         `json:"took_ms"`
}

func sendEvent(ctx context.Context, to, host string, e event.Event, structured bool) (a eventAnswer, err error) {
	headers, body := cebind.HTTP.Write(e)
	if structured {
		if headers, body, err = cebind.WriteJSON(e); err != nil {
			return a, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(string(body)))
	if err != nil {
		return a, usageError{err}
	}
	for _, h := range headers {
		req.Header.Set(h.Name, h.Value)
	}
	req.Header.Set("Prefer", "reply")
	req.Host = host
	begin := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return a, err
		}
		return a, invoker.Errorf(invoker.CodeUnavailable, "event send", "%v; does something take events there?", err)
	}
	defer func() { _ = resp.Body.Close() }() // what it says was read
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxEventBytes))
	if err != nil {
		return a, fmt.Errorf("event send: %w", err)
	}
	a = eventAnswer{Status: resp.StatusCode, Took: float64(time.Since(begin).Microseconds()) / 1000}
	var got []cebind.Header
	for name, values := range resp.Header {
		got = append(got, cebind.Header{Name: name, Value: values[0]})
	}
	if reply, err := cebind.HTTP.Read(got, answer); err == nil && resp.StatusCode < 300 {
		_, a.Reply, err = cebind.WriteJSON(reply)
		return a, err
	}
	a.Text = strings.TrimSpace(string(answer))
	return a, nil
}

// text tells people.
func (a eventAnswer) text(t *terminal.Terminal) error {
	if a.Status >= 300 {
		return nil // the error says it
	}
	fmt.Fprintf(t, "%s %d after %.1f ms\n", t.Paint(terminal.Good, "✓ taken"), a.Status, a.Took)
	if len(a.Reply) > 0 {
		return printJSON(t, a.Reply)
	}
	return nil
}

// fault is what a status says, with the exit code that belongs to it.
func (a eventAnswer) fault(to string) error {
	why := cmp.Or(a.Text, http.StatusText(a.Status))
	failed := func(code invoker.Code) error {
		return invoker.Errorf(code, "event send", "%s answered %d: %s", to, a.Status, why)
	}
	switch a.Status {
	case http.StatusBadRequest:
		return failed(invoker.CodeClient)
	case http.StatusUnprocessableEntity:
		return &invoker.Exception{Class: "event send", Message: fmt.Sprintf("%s answered %d: %s", to, a.Status, why)}
	case http.StatusUnauthorized, http.StatusForbidden:
		return failed(invoker.CodeUnauthenticated)
	case http.StatusTooManyRequests:
		return failed(invoker.CodeExhausted)
	case http.StatusGatewayTimeout:
		return failed(invoker.CodeTimeout)
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return failed(invoker.CodeUnavailable)
	}
	if a.Status < 300 {
		return nil
	}
	return fmt.Errorf("event send: %s answered %d: %s", to, a.Status, why)
}
