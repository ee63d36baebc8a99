package service

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/pprof"
	"os"
	"time"
)

// Options are the flags that all Go peers take.
type Options struct {
	Port  int    // where to listen, on 127.0.0.1 where the peer can be told
	Pprof string // address of net/http/pprof, loopback; empty for none
}

// ParseOptions reads the flags of a peer.
func ParseOptions() (Options, error) {
	var o Options
	flag.IntVar(&o.Port, "port", 0, "the port to listen on")
	flag.StringVar(&o.Pprof, "pprof", "", "serve net/http/pprof on this loopback address")
	flag.Parse()
	if o.Port < 1 || o.Port > 65535 {
		return o, fmt.Errorf("parse flags: -port %d is not in 1 to 65535", o.Port)
	}
	return o, nil
}

// Wait serves pprof, where it is wanted, and returns when ctx or the standard input ends: a peer never outlives its harness.
func Wait(ctx context.Context, o Options) error {
	failed := make(chan error, 2)
	if o.Pprof != "" {
		mux := http.NewServeMux()
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		server := &http.Server{Addr: o.Pprof, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
		defer server.Close()
		go func() { failed <- server.ListenAndServe() }()
	}
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		failed <- err
	}()
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	}
}
