package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/internal/cebind"
)

const (
	sinkMaxBytes  = 16 << 20
	sinkReadTime  = 30 * time.Second
	sinkDrainTime = 5 * time.Second
)

func sinkCommand() *cobra.Command {
	var address string
	c := &cobra.Command{
		Use:   "sink",
		Short: "Take events and print them, one JSON line each",
		Long: `Take events over HTTP, as a broker's dead letters or what a function sends, and print each as a line of JSON on standard output: when it came,
the event, and, of a dead letter, why it is one.`,
		Example: `  dubbofn sink --address 127.0.0.1:8888 &
  K_SINK=http://127.0.0.1:8888 dubbofn run ./order`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			l, err := (&net.ListenConfig{}).Listen(c.Context(), "tcp", address)
			if err != nil {
				return usagef("--address: %w", err)
			}
			fmt.Fprintf(c.ErrOrStderr(), "events are taken at http://%s\n", l.Addr())
			return serveSink(c.Context(), l, c.OutOrStdout())
		},
	}
	c.Flags().StringVar(&address, "address", "127.0.0.1:8080", "where events are taken, HOST:PORT; port 0 picks a free one")
	return c
}

// serveSink takes events until ctx ends.
func serveSink(ctx context.Context, l net.Listener, out io.Writer) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health/ready", func(http.ResponseWriter, *http.Request) {})
	mux.Handle("/", &printed{out: out})
	s := &http.Server{Handler: mux, ReadTimeout: sinkReadTime, ReadHeaderTimeout: sinkReadTime}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("take events: %w", err)
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), sinkDrainTime)
	defer cancel()
	err := s.Shutdown(end)
	<-ended
	return err
}

// printed writes events down.
type printed struct {
	mu  sync.Mutex
	out io.Writer
}

func (p *printed) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "want POST with an event", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, sinkMaxBytes))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var headers []cebind.Header
	for name, values := range req.Header {
		headers = append(headers, cebind.Header{Name: name, Value: values[0]})
	}
	e, err := cebind.HTTP.Read(headers, body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := p.print(e, time.Now()); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// printedEvent is a line.
type printedEvent struct {
	Time   time.Time       `json:"time"`
	Failed *printedFailure `json:"failed,omitempty"`
	Event  json.RawMessage `json:"event"`
}

// printedFailure is why an event is a dead letter (Knative's delivery specification: knativeerror…).
type printedFailure struct {
	Destination string `json:"destination"`
	Code        string `json:"code"`
	Answer      string `json:"answer"`
}

func (p *printed) print(e event.Event, now time.Time) error {
	_, text, err := cebind.WriteJSON(e)
	if err != nil {
		return err
	}
	line := printedEvent{Time: now.UTC(), Event: text}
	if code, ok := cebind.Attribute(e, "knativeerrorcode"); ok {
		line.Failed = &printedFailure{Code: code}
		line.Failed.Destination, _ = cebind.Attribute(e, "knativeerrordest")
		line.Failed.Answer, _ = cebind.Attribute(e, "knativeerrordata")
		if b, err := base64.StdEncoding.DecodeString(line.Failed.Answer); err == nil {
			line.Failed.Answer = string(b)
		}
	}
	b, err := json.Marshal(line)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err = p.out.Write(append(b, '\n'))
	return err
}
