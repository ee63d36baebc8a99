package service

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"strconv"
	"time"
)

// Options are the flags that all Go peers take.
type Options struct {
	Address string // loopback ip:port: where a provider listens, or which one a consumer calls
	Pprof   string // address of net/http/pprof, loopback; empty for none
}

// ParseOptions reads the flags of a peer.
func ParseOptions() (Options, error) {
	var o Options
	flag.StringVar(&o.Address, "address", "", "the loopback ip:port to listen on, or to call")
	flag.StringVar(&o.Pprof, "pprof", "", "serve net/http/pprof on this loopback address")
	flag.Parse()
	host, _, err := net.SplitHostPort(o.Address)
	if ip := net.ParseIP(host); err != nil || !ip.IsLoopback() || o.Port() == 0 {
		return o, fmt.Errorf("parse flags: -address %q is not a loopback ip:port", o.Address)
	}
	return o, nil
}

// Port is the address's, 1 to 65535; 0 where it has none.
func (o Options) Port() int {
	_, port, _ := net.SplitHostPort(o.Address)
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return 0
	}
	return int(n)
}

// Profiles serves net/http/pprof, where that is wanted.
type Profiles struct {
	server *http.Server
	done   chan struct{} // closed when it serves no more; nil where it never did
	err    error         // why
}

// ServeProfiles begins to serve.
func ServeProfiles(o Options) *Profiles {
	p := &Profiles{}
	if o.Pprof == "" {
		return p
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	p.server = &http.Server{Addr: o.Pprof, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	p.done = make(chan struct{})
	go func() {
		defer close(p.done)
		p.err = p.server.ListenAndServe()
	}()
	return p
}

// Close ends it.
func (p *Profiles) Close() {
	if p.server != nil {
		_ = p.server.Close() // what is under way does not matter any more
		<-p.done
	}
}

// Wait serves profiles, where they are wanted, and returns when ctx or the standard input ends: a peer never outlives its harness.
func Wait(ctx context.Context, o Options) error {
	profiles := ServeProfiles(o)
	defer profiles.Close()
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	select {
	case <-ctx.Done():
		return nil
	case <-profiles.done:
		return profiles.err
	case err := <-ended:
		return err
	}
}
