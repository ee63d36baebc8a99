package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/internal/javajson"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
)

const (
	maxCallBytes   = 1 << 20
	maxArguments   = 255 // of a Java method
	maxName        = 1024
	maxCallTime    = time.Minute
	defaultTimeout = 10 * time.Second
)

// request is a call that the page's form describes.
type request struct {
	App     string   `json:"app"`
	Service string   `json:"service"` // "[group/]interface[:version]"
	Method  string   `json:"method"`
	Types   []string `json:"types"` // Java's, as the manifest has them
	Args    []any    `json:"args"`
	Timeout int64    `json:"timeout_ms"` // 0: 10 s
	Token   string   `json:"token"`      // the service's own, where it wants one
}

// reply is what became of it: one of Result and Error.
type reply struct {
	Took   int64    `json:"took_us"`
	Result any      `json:"result,omitempty"`
	Text   string   `json:"text,omitempty"` // the result as it is shown: JavaScript's numbers are not exact enough for a long
	Void   bool     `json:"void,omitempty"` // there is no result, or it is null
	Error  *failure `json:"error,omitempty"`
}

// failure is a call without a result.
type failure struct {
	Class   string `json:"class,omitempty"` // of an exception
	Code    string `json:"code,omitempty"`  // of what is none
	Message string `json:"message"`
	Ran     bool   `json:"may_have_run"`
}

// call calls a method by way of the activator, as any consumer would.
func (x *console) call(w http.ResponseWriter, req *http.Request) {
	if x.cfg.Mode != Call {
		refuse(w, http.StatusForbidden, "this console shows, and calls nothing; DUBBOFN_CONSOLE=call lets it")
		return
	}
	var r request
	if status, err := readJSON(w, req, maxCallBytes, &r); err != nil {
		refuse(w, status, err.Error())
		return
	}
	inv, err := r.invocation()
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	timeout := defaultTimeout
	if r.Timeout > 0 {
		timeout = min(time.Duration(min(r.Timeout, maxCallTime.Milliseconds()))*time.Millisecond, maxCallTime)
	}
	ctx, cancel := context.WithTimeout(req.Context(), timeout)
	defer cancel()
	begin := time.Now()
	result, err := x.invoke(ctx, r.App, inv)
	took := time.Since(begin)
	x.cfg.Log.Info("console: a call", "remote", req.RemoteAddr, "app", r.App, "service", r.Service, "method", r.Method, "took", took, "error", err)
	a := reply{Took: took.Microseconds()}
	if err != nil {
		a.Error = failed(err)
	} else if a.Result = javajson.Printable(result.Value); a.Result == nil {
		a.Void = true
	} else {
		a.Text = indented(a.Result)
	}
	answer(w, http.StatusOK, a)
}

func (x *console) invoke(ctx context.Context, app string, inv *invoker.Invocation) (invoker.Result, error) {
	nc, err := x.cfg.Dial(ctx, app)
	if err != nil {
		return invoker.Result{}, &invoker.Error{Code: invoker.CodeNotFound, Op: "call", Err: err}
	}
	c := dubbo.NewConn(nc, dubbo.ConnConfig{})
	defer func() { _ = c.Close() }() // it was answered, or nobody waits any more
	return c.Invoke(ctx, inv)
}

// indented is a value as JSON for people; empty where it can't be written.
func indented(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// invocation makes the generic call, with which the function does the typing.
func (r *request) invocation() (*invoker.Invocation, error) {
	key, err := invoker.ParseServiceKey(r.Service)
	switch {
	case err != nil:
		return nil, err
	case r.App == "" || r.Method == "":
		return nil, errors.New("want an app and a method")
	case len(r.Args) != len(r.Types):
		return nil, fmt.Errorf("%d arguments for %d types", len(r.Args), len(r.Types))
	case len(r.Args) > maxArguments:
		return nil, fmt.Errorf("%d arguments (limit %d)", len(r.Args), maxArguments)
	}
	for _, name := range slices.Concat([]string{r.App, r.Service, r.Method}, r.Types) {
		if len(name) > maxName {
			return nil, fmt.Errorf("a name has %d bytes (limit %d)", len(name), maxName)
		}
	}
	values := make([]any, len(r.Args))
	for i, a := range r.Args {
		if values[i], err = javajson.Value(a); err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	inv := &invoker.Invocation{
		Service: key, Method: "$invoke", Descriptor: "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;",
		Args: []any{r.Method, erased(r.Types), values},
	}
	inv.Attachments.Set("generic", "true")
	inv.Attachments.Set("remote.application", "dubbofn-console")
	if r.Token != "" {
		inv.Attachments.Set("token", r.Token)
	}
	return inv, nil
}

// erased is types without their arguments, as descriptors have them.
func erased(types []string) []string {
	plain := make([]string, len(types))
	for i, t := range types {
		depth, kept := 0, []byte{}
		for _, b := range []byte(t) {
			switch {
			case b == '<':
				depth++
			case b == '>':
				depth--
			case depth == 0:
				kept = append(kept, b)
			}
		}
		plain[i] = string(kept)
	}
	return plain
}

func failed(err error) *failure {
	f := &failure{Message: err.Error()}
	var thrown *invoker.Exception
	if errors.As(err, &thrown) {
		f.Class, f.Message, f.Ran = thrown.Class, thrown.Message, true
		return f
	}
	var e *invoker.Error
	if errors.As(err, &e) {
		f.Code, f.Ran = e.Code.String(), e.MaybeExecuted
	}
	return f
}
