package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
	"github.com/dubbofn/dubbofn/registry"
)

// asCommand makes a process of this binary the command itself.
const asCommand = "DUBBOFN_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

type greetRequest struct{ Name, Language string }

type greetReply struct{ Message string }

// serveGreet runs a function on the embedded registry of the returned URL until the test ends.
func serveGreet(t *testing.T) (registryURL, address string) {
	t.Helper()
	t.Setenv("K_SERVICE", "")
	c, err := serve.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	registryURL = "embedded://" + t.TempDir() + "/registry"
	c.App, c.Registry, c.Bind, c.Port, c.HTTPPort, c.LogLevel, c.DrainQuiet = "greet", []string{registryURL}, "127.0.0.1", 0, 0, "error", time.Millisecond
	svc := fn.NewService("org.example.GreetService",
		fn.Method("hello", func(name string) (string, error) { return "Hello, " + name + "!", nil }),
		fn.Method("greet", func(r *greetRequest) (*greetReply, error) {
			if r.Name == "" {
				return nil, errors.New("name is empty")
			}
			return &greetReply{r.Language + " " + r.Name}, nil
		}),
		fn.Method("over", func(int32) (string, error) { return "int", nil }),
		fn.Method("over", func(string) (string, error) { return "string", nil }),
		fn.Method("sleep", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }),
	)
	ready, ended := make(chan string, 1), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		ended <- serve.Run(ctx, c, svc, serve.Hook(func(_ context.Context, at serve.Addresses) { ready <- at.Dubbo.String() }))
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	select {
	case address = <-ready:
	case err := <-ended:
		ended <- err
		t.Fatalf("serve: %v", err)
	}
	return registryURL, address
}

// run executes the command and gives its output and exit code.
func run(t *testing.T, args ...string) (out string, code int, err error) {
	t.Helper()
	var b bytes.Buffer
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(&b)
	root.SetErr(&b)
	if err = root.ExecuteContext(t.Context()); err != nil {
		code = exitCode(err)
	}
	return b.String(), code, err
}

func TestCallPrintsTheResultAndTellsTheOutcomeByItsExitCode(t *testing.T) {
	registryURL, address := serveGreet(t)
	for name, c := range map[string]struct {
		args []string
		out  string // exact, where the call answers
		code int
		text string // in the error
	}{
		"bare word":            {[]string{"org.example.GreetService", "hello", "Ada"}, `"Hello, Ada!"`, 0, ""},
		"json string":          {[]string{"org.example.GreetService", "hello", `"Ada"`}, `"Hello, Ada!"`, 0, ""},
		"object":               {[]string{"org.example.GreetService", "greet", `{"name":"Ada","language":"fr"}`}, "{\n  \"class\": \"org.example.greetReply\",\n  \"message\": \"fr Ada\"\n}", 0, ""},
		"overload by name":     {[]string{"org.example.GreetService", "over", "5", "--types", "int"}, `"int"`, 0, ""},
		"overload by shape":    {[]string{"org.example.GreetService", "over", "x", "--types", "Ljava/lang/String;"}, `"string"`, 0, ""},
		"exception":            {[]string{"org.example.GreetService", "greet", "{}"}, "", exitException, "name is empty"},
		"unknown method":       {[]string{"org.example.GreetService", "nope"}, "", exitNotFound, "greet, hello"},
		"unknown service":      {[]string{"org.example.Nope", "nope"}, "", exitNotFound, "org.example.Nope"},
		"unknown version":      {[]string{"org.example.GreetService:9.9", "hello", "x"}, "", exitNotFound, "greet offers org.example.GreetService:dubbo"},
		"timeout":              {[]string{"org.example.GreetService", "sleep", "--timeout", "300ms"}, "", exitTimeout, ""},
		"not json":             {[]string{"org.example.GreetService", "greet", `{"name":`}, "", exitUsage, "is not JSON"},
		"types don't match":    {[]string{"org.example.GreetService", "over", "5", "--types", "int,int"}, "", exitUsage, "2 parameters, 1 arguments"},
		"no method":            {[]string{"org.example.GreetService"}, "", exitUsage, "SERVICE and METHOD"},
		"unknown flag":         {[]string{"org.example.GreetService", "hello", "--nope"}, "", exitUsage, "--nope"},
		"a service not a name": {[]string{"not a name", "hello"}, "", exitUsage, "interface"},
	} {
		out, code, err := run(t, append([]string{"call", "--registry", registryURL}, c.args...)...)
		if code != c.code || strings.TrimSpace(out) != c.out && c.code == 0 {
			t.Errorf("%s: exit code %d, output %q, error %v; want %d, %q", name, code, out, err, c.code, c.out)
		}
		if c.text != "" && (err == nil || !strings.Contains(err.Error(), c.text)) {
			t.Errorf("%s: error %v lacks %q", name, err, c.text)
		}
	}
	if out, code, err := run(t, "call", "--url", "dubbo://"+address, "org.example.GreetService", "hello", "Ada"); code != 0 || strings.TrimSpace(out) != `"Hello, Ada!"` {
		t.Errorf("by address: %d %q %v", code, out, err)
	}
	if _, code, err := run(t, "call", "--url", "dubbo://127.0.0.1:1", "org.example.GreetService", "hello", "Ada"); code != exitUnavailable {
		t.Errorf("nobody listens: exit code %d, %v", code, err)
	}
}

// A port that speaks HTTP is told apart from a provider that takes its time.
func TestACallToAnHTTPPortEndsAtOnce(t *testing.T) {
	for name, set := range map[string]func(*http.Protocols){
		"HTTP/1": func(p *http.Protocols) { p.SetHTTP1(true) },
		"HTTP/2": func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) },
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var protocols http.Protocols
		set(&protocols)
		server := &http.Server{Handler: http.NotFoundHandler(), Protocols: &protocols}
		served := make(chan error, 1)
		go func() { served <- server.Serve(l) }()
		begin := time.Now()
		_, code, err := run(t, "call", "--url", "dubbo://"+l.Addr().String(), "org.example.GreetService", "hello", "Ada")
		if code != exitUnavailable || err == nil || !strings.Contains(err.Error(), "HTTP") || time.Since(begin) > 8*time.Second {
			t.Errorf("%s: after %v exit code %d, %v", name, time.Since(begin), code, err)
		}
		_ = server.Close()
		<-served
	}
	_, address := serveGreet(t)
	if _, code, err := run(t, "call", "--url", "dubbo://"+address, "org.example.GreetService", "sleep", "--timeout", "2s"); code != exitTimeout {
		t.Errorf("a provider that takes its time: exit code %d, %v", code, err)
	}
}

func TestDescribeShowsWhatAConsumerSees(t *testing.T) {
	registryURL, address := serveGreet(t)
	out, code, err := run(t, "describe", "--registry", registryURL, "org.example.GreetService")
	var f found
	if code != 0 || json.Unmarshal([]byte(out), &f) != nil || f.Address != address || f.App != "greet" || f.Params["timeout"] != "10000" {
		t.Errorf("%d, %v: %s", code, err, out)
	}
}

// vanished plays a service whose providers are never there when one looks, though a call is answered.
type vanished struct{}

func (vanished) Providers() []*cluster.Provider { return nil }

func (vanished) Call(context.Context, string, any, ...any) error { return nil }

func TestDescribeSaysWhenNoProviderIsThere(t *testing.T) {
	t.Parallel()
	if all, err := providersOf(t.Context(), vanished{}); !missing(err) || exitCode(err) != exitNotFound {
		t.Errorf("%v, %v", all, err)
	}
}

func TestNamesThatNoServiceCanHaveAreUsageErrors(t *testing.T) {
	for _, name := range []string{"org..example", "1org.example.Greet", "org.example.Gre-et", "org.example."} {
		if _, code, err := run(t, "describe", "--registry", "embedded://"+t.TempDir()+"/registry", name); code != exitUsage {
			t.Errorf("describe %s: exit code %d, %v", name, code, err)
		}
		if _, code, err := run(t, "call", "--registry", "embedded://"+t.TempDir()+"/registry", name, "hello"); code != exitUsage {
			t.Errorf("call %s: exit code %d, %v", name, code, err)
		}
	}
}

func TestAPathWhereNothingIsIsWrongUsage(t *testing.T) {
	for _, command := range []string{"describe", "run"} {
		for _, path := range []string{"./nope", "../nope", filepath.Join(t.TempDir(), "nope")} {
			if _, code, err := run(t, command, path); code != exitUsage || err == nil || err.Error() != path+": there is no such directory, nor a program" {
				t.Errorf("%s %s: exit code %d, %v", command, path, code, err)
			}
		}
	}
}

func TestARegistryThatDoesNotAnswerIsNoConnection(t *testing.T) {
	for _, args := range [][]string{{"call", "org.example.GreetService", "hello"}, {"describe", "org.example.GreetService"}} {
		if _, code, err := run(t, append(args, "--registry", "zookeeper://127.0.0.1:1", "--timeout", "200ms")...); code != exitUnavailable {
			t.Errorf("%s: exit code %d, %v", args[0], code, err)
		}
	}
}

func TestCallFindsAProviderByItsApplicationsName(t *testing.T) {
	registryURL, _ := serveGreet(t)
	if err := os.RemoveAll(strings.TrimPrefix(registryURL, "embedded://") + "/mapping"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DUBBOFN_MIGRATION", "FORCE_APPLICATION")
	args := []string{"call", "--registry", registryURL, "org.example.GreetService", "hello", "Ada"}
	if _, code, err := run(t, args...); code != exitNotFound || !strings.Contains(err.Error(), "--provided-by") {
		t.Errorf("without a mapping: exit code %d, %v", code, err)
	}
	if out, code, err := run(t, append(args, "--provided-by", "greet")...); code != 0 {
		t.Errorf("exit code %d, %v: %s", code, err, out)
	}
}

func TestDescribeBuildsADirectoryAndGivesTheSameRevisionEachTime(t *testing.T) {
	dir, err := filepath.Abs("../../examples/functions/greet")
	if err != nil {
		t.Fatal(err)
	}
	var revisions [2]struct{ Revision, App string }
	for i, host := range []string{"10.0.0.1", "10.0.0.2"} {
		t.Setenv("DUBBOFN_HOST", host)
		if i > 0 { // they are of a port of the process's own, and the manifest is not
			t.Setenv("DUBBOFN_TLS_CERT", "/nowhere/cert.pem")
			t.Setenv("DUBBOFN_TLS_KEY", "/nowhere/key.pem")
		}
		out, code, err := run(t, "describe", dir)
		if code != 0 || json.Unmarshal([]byte(out), &revisions[i]) != nil {
			t.Fatalf("%d, %v: %s", code, err, out)
		}
	}
	if revisions[0] != revisions[1] || revisions[0].App != "greet" || len(revisions[0].Revision) != 32 {
		t.Errorf("%+v", revisions)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("#!/bin/sh\necho hi\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := run(t, "describe", empty); err == nil || !strings.Contains(err.Error(), "printed no manifest") {
		t.Errorf("a program that is no function: %v", err)
	}
}

func TestTypesAreReadAsDescriptorsOrNames(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"Ljava/lang/String;I[J": {"java.lang.String", "int", "long[]"}, "String,int": {"java.lang.String", "int"}, "java.util.List": {"java.util.List"}, "": nil, "String[]": {"java.lang.String[]"},
	} {
		if got, err := parseTypes(in); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	if _, err := parseTypes("int,,long"); !isUsage(err) {
		t.Errorf("an empty name: %v", err)
	}
}

func TestANotAnsweringRegistryIsToldFromTheTimeThatThisTook(t *testing.T) {
	t.Parallel()
	if got := exitCode(fmt.Errorf("open: %w: no session: %w", registry.ErrUnreachable, context.DeadlineExceeded)); got != exitUnavailable {
		t.Errorf("exit code %d", got)
	}
}

func TestExitCodesTellOutcomesApart(t *testing.T) {
	t.Parallel()
	for code, err := range map[int]error{
		exitException: &invoker.Exception{Class: "x"}, exitRefused: invoker.Errorf(invoker.CodeExhausted, "", "x"), exitUnavailable: invoker.Errorf(invoker.CodeUnavailable, "", "x"),
		exitOther: errors.New("x"), exitTimeout: context.DeadlineExceeded, exitUsage: usagef("x"), exitNotFound: invoker.Errorf(invoker.CodeNotFound, "", "x"),
	} {
		if got := exitCode(err); got != code {
			t.Errorf("%v: %d, want %d", err, got, code)
		}
	}
}
