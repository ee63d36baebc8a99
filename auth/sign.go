package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/internal/javaserial"
	"github.com/dubbofn/dubbofn/invoker"
)

// The attachments of a signed call (Java: org.apache.dubbo.auth.Constants, 3.3.6).
const (
	keyAccessKey = "ak"
	keyTimestamp = "timestamp"
	keySignature = "signature"
	keyConsumer  = "consumer"
)

// SignConfig says how calls are signed.
type SignConfig struct {
	Key         Key
	Application string // the consumer's name, for the provider's log. Default: "unknown"
	Parameters  bool   // sign the arguments too (Java: param.sign of Dubbo up to 3.2): both ends must
}

// NewSigner makes a filter that signs every call of a consumer. Calls of a pattern of versions or groups can't be signed: the signature
// names the provider's.
func NewSigner(c SignConfig) (invoker.Filter, error) {
	if err := c.Key.Validate(); err != nil {
		return nil, fmt.Errorf("sign calls: %w", err)
	}
	if c.Application == "" {
		c.Application = "unknown"
	}
	return func(next invoker.Invoker) invoker.Invoker {
		return invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
			now := strconv.FormatInt(time.Now().UnixMilli(), 10)
			text, err := signedText(inv, methodOf(inv), c.Key.Secret, now)
			if err != nil {
				return invoker.Result{}, invoker.Errorf(invoker.CodeClient, "sign", "%w", err)
			}
			data := []byte(text)
			if c.Parameters {
				if data, err = withArguments(inv, text, javaserial.Distinct); err != nil {
					return invoker.Result{}, invoker.Errorf(invoker.CodeClient, "sign", "%w", err)
				}
			}
			a := &inv.Attachments
			a.Set(keySignature, signature(data, c.Key.Secret))
			a.Set(keyTimestamp, now)
			a.Set(keyAccessKey, c.Key.ID)
			a.Set(keyConsumer, c.Application)
			return next.Invoke(ctx, inv)
		})
	}, nil
}

// methodOf is the method that is meant, behind $invoke too (Java: RpcUtils.getMethodName, 3.3.6).
func methodOf(inv *invoker.Invocation) string {
	if (inv.Method == "$invoke" || inv.Method == "$invokeAsync") && len(inv.Args) == 3 {
		if name, ok := inv.Args[0].(string); ok {
			return name
		}
	}
	return inv.Method
}

var errPattern = errors.New("a call of any version or group can't be signed: name them")

// signedText is what the signature is over (Java: AccessKeyAuthenticator.getSignature and URL.getColonSeparatedKey, 3.3.6).
func signedText(inv *invoker.Invocation, method, secret, time string) (string, error) {
	k := inv.Service
	if k.Version == "0.0.0" {
		k.Version = ""
	}
	if k.Version == "*" || strings.ContainsAny(k.Group, "*,") {
		return "", errPattern
	}
	return k.Interface + ":" + k.Version + ":" + k.Group + "#" + method + "#" + secret + "#" + time, nil
}

func signature(data []byte, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(data)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// withArguments gives what a signature over the arguments is over: Java's serialization of them and the text.
func withArguments(inv *invoker.Invocation, text string, identity javaserial.Identity) ([]byte, error) {
	values, err := arguments(inv)
	if err != nil {
		return nil, err
	}
	return javaserial.Marshal(append(values, text), identity)
}
