package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

// sink takes events and keeps them: what a broker's reply or dead letter destination would be. It reads them with the CloudEvents SDK alone.
type sink struct {
	server http.Server
	ended  chan error

	mu  sync.Mutex
	all []event.Event
}

func startSink(ctx context.Context, address string) (*sink, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	s := &sink{ended: make(chan error, 1)}
	s.server = http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { s.ended <- s.server.Serve(l) }()
	return s, nil
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ev, err := binding.ToEvent(r.Context(), cehttp.NewMessageFromHttpRequest(r))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.all = append(s.all, *ev)
	s.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
}

// await gives the events that fit once there are n of them.
func (s *sink) await(ctx context.Context, n int, what string, fits func(event.Event) bool) (found []event.Event, err error) {
	err = until(ctx, patience, func(context.Context) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		found = found[:0]
		for _, ev := range s.all {
			if fits(ev) {
				found = append(found, ev)
			}
		}
		if len(found) < n {
			return fmt.Errorf("%d of %d %s have arrived", len(found), n, what)
		}
		return nil
	})
	return found, err
}

// events gives what has arrived.
func (s *sink) events() []event.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

func (s *sink) end() error {
	err := s.server.Close()
	if ended := <-s.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// ofType tells whether an event has a type.
func ofType(kind string) func(event.Event) bool {
	return func(ev event.Event) bool { return ev.Type() == kind }
}
