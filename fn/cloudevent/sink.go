package cloudevent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/dubbofn/dubbofn/internal/cebind"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

// Sink is where events are sent to. Safe for concurrent use.
type Sink interface {
	// Send returns once the event is taken. The error is an *[invoker.Error]; its MaybeExecuted says whether the event may be there all the same.
	Send(ctx context.Context, e event.Event) error
	// Span says how a trace shows that an event is sent: its name, peer, layer and component.
	Span(e event.Event) tracing.Start
	// Close waits, as long as ctx lasts, for what is being sent, and disconnects. It is idempotent.
	Close(ctx context.Context) error
}

// SinkAdapter opens sinks of one scheme: nats.Sink, kafka.Sink. HTTP needs none.
type SinkAdapter interface {
	// Name is the scheme of its URLs: "nats".
	Name() string
	// OpenSink refuses what u says wrong, with every fault at once. A broker that is away is waited for by those who send.
	OpenSink(ctx context.Context, u invoker.URL, c SinkConfig) (Sink, error)
}

// SinkConfig is what a sink is told of its process.
type SinkConfig struct {
	App        string       // the application, by which brokers name their clients
	Structured bool         // events go in structured mode, else in binary mode; a URL's own mode=structured or mode=binary wins
	Log        *slog.Logger // never nil
}

// openSink opens what a setting names: http, https, or a scheme of the adapters.
func openSink(ctx context.Context, setting string, c SinkConfig, adapters []SinkAdapter) (Sink, error) {
	scheme, _, _ := strings.Cut(setting, "://")
	if scheme == "http" || scheme == "https" {
		s, err := newHTTPSink(setting, c)
		if err != nil {
			return nil, err // and not a Sink that holds nil
		}
		return s, nil
	}
	u, err := invoker.ParseURL(setting)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{"http": true, "https": true}
	for _, a := range adapters {
		if a.Name() == u.Protocol {
			return a.OpenSink(ctx, u, c)
		}
		names[a.Name()] = true
	}
	known := strings.Join(slices.Sorted(maps.Keys(names)), ", ")
	switch u.Protocol {
	case "nats", "kafka":
		return nil, fmt.Errorf("sink %s: this program can send to %s; hand over cloudevent.Events(%s.Sink)", u, known, u.Protocol)
	}
	return nil, fmt.Errorf("sink %s: want %s", u, known)
}

func newHTTPSink(setting string, c SinkConfig) (*httpSink, error) {
	u, err := url.Parse(setting)
	if err != nil || u.Host == "" {
		return nil, errors.New("sink: want http://host[:port]/path")
	}
	transport, _ := http.DefaultTransport.(*http.Transport)
	transport = transport.Clone()
	transport.MaxIdleConnsPerHost = 64 // one sink, and as many calls that emit as there are
	return &httpSink{
		url: u.String(), shown: u.Redacted(), peer: peerOf(u), structured: c.Structured, log: c.Log,
		client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}

// peerOf gives "host:port".
func peerOf(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "https" {
		return u.Host + ":443"
	}
	return u.Host + ":80"
}

// Span names the type: what a program sends is its own, so there are not many.
func (s *httpSink) Span(e event.Event) tracing.Start {
	return tracing.Start{Kind: tracing.Exit, Name: "CloudEvents/" + e.Type(), Peer: s.peer, Layer: tracing.LayerHTTP, Component: tracing.ComponentHTTPClient}
}

// Close leaves nothing open.
func (s *httpSink) Close(context.Context) error {
	s.client.CloseIdleConnections()
	return nil
}

// extensions is an event's extensions as what carries a trace: brokers drop headers, and extensions survive (CloudEvents' distributed tracing
// extension 1.0; names have no dash).
type extensions struct{ of *event.Event }

func (c extensions) Get(key string) string {
	v, _ := cebind.Attribute(*c.of, strings.ReplaceAll(key, "-", ""))
	if len(v) > maxCarried {
		return ""
	}
	return v
}

func (c extensions) Set(key, value string) {
	c.of.SetExtension(strings.ReplaceAll(key, "-", ""), value)
}

// maxCarried bounds what is read of one extension.
const maxCarried = 8 << 10
