package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/cold/keeper/lent"
	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
)

// connect does what consume does with connections alone: no directory, no cluster, no settings.
func connect(ctx context.Context, begun time.Time, addresses []string, overTLS bool, ca, kept string) (err error) {
	var borrower *lent.Borrower
	if kept != "" {
		if borrower, err = lent.Open(ctx, lent.Config{Address: kept, App: "bench", Instance: "bare", Token: token, Budget: time.Second}); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, borrower.Close()) }()
	}
	cfg := dubbo.ConnConfig{Types: hessian.NewTypes(), Budget: dubbo.NewBudget(0)}
	over := cfg
	if overTLS && kept == "" {
		if over.TLS, err = trusting(ca); err != nil {
			return err
		}
	}
	open := func(a string) (*dubbo.Conn, error) {
		if borrower != nil {
			t := lent.Target{Address: a, TLS: overTLS}
			if overTLS {
				t.Name, _, _ = net.SplitHostPort(a)
			}
			if nc := borrower.Conn(ctx, t); nc != nil {
				return dubbo.NewConn(nc, cfg), nil
			}
			mine := over // only the first of these processes comes here, which teaches the keeper
			if overTLS {
				var err error
				if mine.TLS, err = trusting(ca); err != nil {
					return nil, err
				}
			}
			return dubbo.Dial(ctx, a, mine)
		}
		return dubbo.Dial(ctx, a, over)
	}
	conns := make([]*dubbo.Conn, len(addresses))
	took, errs := make([]time.Duration, len(addresses)), make([]error, len(addresses))
	var wg sync.WaitGroup
	for i, a := range addresses {
		wg.Go(func() {
			if conns[i], errs[i] = open(a); errs[i] == nil {
				errs[i] = invoke(ctx, conns[i])
				took[i] = time.Since(begun)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	warm := make([]time.Duration, len(conns))
	for i, c := range conns {
		at := time.Now()
		if err := invoke(ctx, c); err != nil {
			return err
		}
		warm[i] = time.Since(at)
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	slices.Sort(warm)
	us := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
	return say(start{First: us(slices.Min(took)), Last: us(slices.Max(took)), Warm: us(warm[len(warm)/2]), Began: begun.UnixNano()})
}

func trusting(ca string) (*tls.Config, error) {
	t, err := auth.NewTLS(auth.TLSConfig{CAFile: ca, ClientAuth: auth.ClientAuthNone})
	if err != nil {
		return nil, err
	}
	return t.Client(), nil
}

func invoke(ctx context.Context, c *dubbo.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var got string
	_, err := c.Invoke(ctx, &invoker.Invocation{Service: invoker.ServiceKey{Interface: iface}, Method: "echo", Args: []any{"x"}, Into: &got})
	return err
}
