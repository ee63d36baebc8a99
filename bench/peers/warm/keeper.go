package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/cold/keeper"
	"github.com/dubbofn/dubbofn/registry/hint"
)

// token is what consumer and keeper share.
const token = "bench"

// door is what the keeper says of itself.
type door struct {
	Unix string `json:"unix"`
	TCP  string `json:"tcp"`
}

// keep is a keeper; for each line on standard input it tells what it holds.
func keep(ctx context.Context, _ time.Time, args []string) (err error) {
	f := flag.NewFlagSet("keeper", flag.ExitOnError)
	ca := f.String("ca", "", "whose certificates are trusted")
	followed := f.String("registry", "", "the registry that is followed")
	if err := f.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "warm")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	t, err := auth.NewTLS(auth.TLSConfig{CAFile: *ca, ClientAuth: auth.ClientAuthNone})
	if err != nil {
		return err
	}
	app, err := keeper.NewApp("bench", token, "127.0.0.1:*")
	if err != nil {
		return err
	}
	r, name, err := openRegistry(ctx, *followed)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	k, err := keeper.New(ctx, keeper.Config{
		Registries: map[string]hint.Source{name.String(): {Registry: r}}, Apps: func() []keeper.App { return []keeper.App{app} }, TLS: func(string) (*tls.Config, error) { return t.Client(), nil },
	})
	if err != nil {
		return err
	}
	d := door{Unix: filepath.Join(dir, "keeper.sock")}
	u, err := net.Listen("unix", d.Unix)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	d.Unix, d.TCP = "unix://"+d.Unix, l.Addr().String()
	var wg sync.WaitGroup
	for _, l := range []net.Listener{u, l} {
		wg.Go(func() { _ = k.Serve(ctx, l) }) // the consumers would tell
	}
	defer wg.Wait()
	defer func() { err = errors.Join(err, k.Close()) }()
	if err := say(d); err != nil {
		return err
	}
	for range lines(ctx) {
		if err := say(k.Stats()); err != nil {
			return err
		}
	}
	return nil
}
