package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/dubbofn/dubbofn/internal/javaserial"
	"github.com/dubbofn/dubbofn/invoker"
)

// VerifyConfig says which signatures are good.
type VerifyConfig struct {
	Keys       *Keys
	Window     time.Duration // how far a call's time may be from now, either way. Default: 1 minute
	Parameters bool          // the signature must be over the arguments too
	Log        *slog.Logger  // is told why a call was refused. Default: nothing is logged
}

const defaultWindow = time.Minute

// NewVerifier makes a filter that refuses every call of a provider that isn't signed well. The caller gets an *invoker.Error of
// CodeUnauthenticated that tells nothing; the log tells which check failed, for which consumer and key.
func NewVerifier(c VerifyConfig) (invoker.Filter, error) {
	if c.Keys == nil {
		return nil, errors.New("verify signatures: no access keys")
	}
	if c.Window < 0 {
		return nil, fmt.Errorf("verify signatures: window %v: want a positive duration", c.Window)
	}
	if c.Window == 0 {
		c.Window = defaultWindow
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return func(next invoker.Invoker) invoker.Invoker {
		return invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
			if err := c.check(inv, time.Now()); err != nil {
				a := &inv.Attachments
				c.Log.Warn("auth: a call was refused", "service", inv.Service, "method", methodOf(inv), "check", err.Error(),
					"key", shown(a.Get(keyAccessKey)), "consumer", shown(a.Get(keyConsumer)))
				return invoker.Result{}, invoker.Errorf(invoker.CodeUnauthenticated, "", "refused")
			}
			return next.Invoke(ctx, inv)
		})
	}, nil
}

// shown makes what a stranger wrote fit for the log.
func shown(s string) string {
	if len(s) > 64 {
		s = s[:64] + "…"
	}
	return s
}

// check says what is wrong with a call's signature.
func (c *VerifyConfig) check(inv *invoker.Invocation, now time.Time) error {
	a := &inv.Attachments
	id, stamp, got := a.Get(keyAccessKey), a.Get(keyTimestamp), a.Get(keySignature)
	if id == "" || stamp == "" || got == "" {
		return errors.New("it is not signed: ak, timestamp or signature is missing")
	}
	secret := c.Keys.secret(id)
	if secret == "" {
		return errors.New("the access key is unknown")
	}
	candidates, err := c.candidates(inv, secret, stamp)
	if err != nil {
		return err
	}
	good := 0
	for _, data := range candidates {
		good |= subtle.ConstantTimeCompare([]byte(signature(data, secret)), []byte(got))
	}
	if good != 1 {
		return errors.New("the signature is wrong: another secret, service, method or time than was signed, or other arguments")
	}
	// Last, so that the log's word on the time can be trusted.
	ms, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return fmt.Errorf("timestamp %q is no number of milliseconds", shown(stamp))
	}
	if off := now.Sub(time.UnixMilli(ms)); off > c.Window || off < -c.Window {
		return fmt.Errorf("its time is %v off, the window is %v: a clock is wrong, or the call was sent again", off.Round(time.Millisecond), c.Window)
	}
	return nil
}

// candidates gives what may have been signed: behind $invoke the method that is meant (Dubbo from 3.2) or $invoke itself, and over the
// arguments with equal Strings as two objects or as one.
func (c *VerifyConfig) candidates(inv *invoker.Invocation, secret, stamp string) ([][]byte, error) {
	methods := []string{methodOf(inv)}
	if methods[0] != inv.Method {
		methods = append(methods, inv.Method)
	}
	var all [][]byte
	for _, m := range methods {
		text, err := signedText(inv, m, secret, stamp)
		if err != nil {
			return nil, err
		}
		if !c.Parameters {
			all = append(all, []byte(text))
			continue
		}
		for _, identity := range []javaserial.Identity{javaserial.Distinct, javaserial.Interned} {
			data, err := withArguments(inv, text, identity)
			if err != nil {
				return nil, err
			}
			all = append(all, data)
		}
	}
	return all, nil
}
