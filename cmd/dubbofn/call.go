package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/internal/javajson"
	"github.com/dubbofn/dubbofn/invoker"
)

// callFlags are what `dubbofn call` takes beside its arguments.
type callFlags struct {
	registry, url, version, group, types, token string
	providedBy                                  []string
	timeout                                     time.Duration
	attachments                                 []string
	oneWay, verbose                             bool
}

func callCommand() *cobra.Command {
	var f callFlags
	c := &cobra.Command{
		Use:   "call SERVICE METHOD [ARGUMENT…]",
		Short: "Call a method of a Dubbo service",
		Long: `Call a method of a Dubbo service and print the result as JSON.

Each ARGUMENT is JSON; a bare word is a string. Whole numbers are int or long, others double; an object is the
parameter's own class (or the one that its key "class" names). Where a method is overloaded, --types says which:
a JVM descriptor (Ljava/lang/String;I) or names (String,int).

The provider is found as any consumer finds it: in the registry, at application level first, or at the addresses of --url. SERVICE may be given as
[group/]interface[:version]. The environment counts as for any consumer (docs/configuration.md): DUBBOFN_TLS_CA, DUBBOFN_ACCESS_KEY_ID ….`,
		Example: `  dubbofn call org.example.GreetService hello Ada
  dubbofn call org.example.GreetService greet '{"name":"Ada","language":"fr"}'
  dubbofn call --registry nacos://127.0.0.1:8848 blue/org.example.UserService:1.0 getUser 42 --types long
  dubbofn call --url dubbo://127.0.0.1:20880 org.example.GreetService hello '"Ada"'`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usagef("call needs SERVICE and METHOD, e.g. dubbofn call org.example.GreetService hello Ada; got %d of them", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return call(c.Context(), c.OutOrStdout(), c.ErrOrStderr(), f, args)
		},
	}
	fs := c.Flags()
	fs.StringVar(&f.registry, "registry", "", "where to look the provider up: embedded://[/dir], nacos://[user:password@]host:8848[?namespace=…], zookeeper://host:2181[,host2:2181] (default: DUBBOFN_REGISTRY, else embedded://)")
	fs.StringVar(&f.url, "url", "", "call these providers: dubbo://host[:20880][,host…]")
	fs.StringVar(&f.version, "version", "", "the service's version")
	fs.StringVar(&f.group, "group", "", "the service's group")
	fs.StringSliceVar(&f.providedBy, "provided-by", nil, "the applications that offer the service, where the registry has no mapping of it")
	fs.StringVar(&f.types, "types", "", "the parameter types of an overloaded method: a descriptor or names")
	fs.StringVar(&f.token, "token", "", "the service's token, with --url; the registry tells it otherwise")
	fs.DurationVar(&f.timeout, "timeout", 10*time.Second, "how long to wait for the answer, look-up included")
	fs.StringArrayVarP(&f.attachments, "attachment", "a", nil, "key=value to send beside the arguments; may be given several times")
	fs.BoolVar(&f.oneWay, "one-way", false, "send the call and wait for no answer")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "tell on standard error who is called, and what came beside the result")
	return c
}

func call(ctx context.Context, out, errs io.Writer, f callFlags, args []string) error {
	inv, err := invocation(f, args)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	c, s, err := refer(ctx, f.registry, f.url, inv.Service, errs, client.Token(f.token), client.Timeout(f.timeout), client.ProvidedBy(f.providedBy...))
	if err != nil {
		return err
	}
	inv.Service = invoker.ServiceKey{}
	if f.verbose {
		types, _ := inv.Args[1].([]string) // as invocation made it
		fmt.Fprintf(errs, "calling %s%s of %s\n", args[1], typesText(types), args[0])
		for _, p := range s.Providers() {
			fmt.Fprintf(errs, "  provider %s %s\n", p.Address, p.App)
		}
	}
	begin := time.Now()
	result, err := invoke(ctx, f.url, s, inv)
	if f.verbose {
		fmt.Fprintf(errs, "answered in %s\n", time.Since(begin).Round(10*time.Microsecond))
		for k, v := range result.Attachments.All() {
			fmt.Fprintf(errs, "  %s: %v\n", k, v)
		}
	}
	if closeErr := c.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("close connections: %w", closeErr)
	}
	if err != nil || f.oneWay {
		return err
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(javajson.Printable(result.Value))
}

// invoke calls, and gives up where an address turns out to be no provider's.
func invoke(ctx context.Context, directURL string, s *client.Service, inv *invoker.Invocation) (invoker.Result, error) {
	u, err := invoker.ParseURL(directURL)
	if directURL == "" || err != nil {
		return s.Invoke(ctx, inv)
	}
	calling, cancel := context.WithCancel(ctx)
	fault := make(chan error, 1)
	go func() {
		err := notDubbo(calling, u, askAfter)
		fault <- err
		if err != nil {
			cancel()
		}
	}()
	result, err := s.Invoke(calling, inv)
	cancel()
	why := <-fault
	var e *invoker.Error
	if why == nil && errors.As(err, &e) && e.Code == invoker.CodeUnavailable && e.MaybeExecuted {
		why = notDubbo(ctx, u, 0) // it may be why the connection was cut
	}
	if err != nil && why != nil {
		err = why
	}
	return result, err
}

// invocation makes the generic call ($invoke, generic=true) that the command line asks for: with it the provider does the typing.
func invocation(f callFlags, args []string) (*invoker.Invocation, error) {
	key, err := invoker.ParseServiceKey(args[0])
	if err != nil {
		return nil, usageError{err}
	}
	key.Version, key.Group = cmp.Or(f.version, key.Version), cmp.Or(f.group, key.Group)
	if err := errors.Join(checkJavaName("service", key.Interface), checkJavaName("method", args[1])); err != nil {
		return nil, err
	}
	values := make([]any, 0, len(args)-2)
	for i, a := range args[2:] {
		v, err := javajson.Parse(a)
		if err != nil {
			return nil, usagef("argument %d: %w", i+1, err)
		}
		values = append(values, v)
	}
	types, err := parseTypes(f.types)
	if err != nil {
		return nil, err
	}
	if types != nil && len(types) != len(values) {
		return nil, usagef("--types names %d parameters, %d arguments are given", len(types), len(values))
	}
	inv := &invoker.Invocation{
		Service: key, Method: "$invoke", Descriptor: "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;",
		Args: []any{args[1], types, values}, OneWay: f.oneWay,
	}
	inv.Attachments.Set("generic", "true")
	for _, a := range f.attachments {
		k, v, ok := strings.Cut(a, "=")
		if !ok || k == "" {
			return nil, usagef("--attachment %q: want key=value", a)
		}
		inv.Attachments.Set(k, v)
	}
	return inv, nil
}
