package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "a token of the test"

// site is a console under test.
type site struct {
	t *testing.T
	h http.Handler
}

func open(t *testing.T, change func(*Config)) site {
	t.Helper()
	c := Config{Token: token, API: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, `["`+r.URL.String()+`"]`) })}
	if change != nil {
		change(&c)
	}
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return site{t, h}
}

func (s site) do(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	req := httptest.NewRequestWithContext(s.t.Context(), method, "http://127.0.0.1:9090"+path, strings.NewReader(body))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, req)
	return w
}

const own = "http://127.0.0.1:9090"

// login gives the cookie.
func (s site) login() string {
	s.t.Helper()
	w := s.do(http.MethodPost, "/console/login", `{"token":"`+token+`"}`, "Origin", own)
	if w.Code != http.StatusOK {
		s.t.Fatalf("login: %d %s", w.Code, w.Body)
	}
	c := w.Result().Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/console/" || c.Name != "dubbofn_console_9090" || strings.Contains(c.Value, token) {
		s.t.Errorf("the cookie: %+v", c)
	}
	return c.Name + "=" + c.Value
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	_, err := New(Config{Mode: "write", Token: "short"})
	for _, want := range []string{`mode "write"`, "5 bytes: want 12", "API is nil"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %q", err, want)
		}
	}
	if _, err := New(Config{Mode: Call, Token: token, API: http.NotFoundHandler()}); err == nil || !strings.Contains(err.Error(), "Dial is nil") {
		t.Error(err)
	}
}

func TestThePageIsForAllAndWhatItShowsForWhoHasTheToken(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	w := s.do(http.MethodGet, "/console/", "")
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "<!doctype html>") {
		t.Errorf("page: %d", w.Code)
	}
	for name, want := range map[string]string{"Content-Security-Policy": "default-src 'none'", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
		if got := w.Header().Get(name); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	if p := w.Header().Get("Content-Security-Policy"); strings.Contains(p, "unsafe") {
		t.Error(p)
	}
	cookie := s.login()
	for _, path := range []string{"session", "functions", "functions/greet/manifest", "samples?since=1", "topology", "ledger"} {
		path = "/console/api/" + path
		for what, headers := range map[string][]string{
			"nothing": nil, "another token": {"Authorization", "Bearer " + token + "x"}, "no token": {"Authorization", "Bearer "},
			"another cookie": {"Cookie", "dubbofn_console_9090=00"}, "the cookie of another port": {"Cookie", strings.Replace(cookie, "9090", "9091", 1)},
			"the token as a cookie": {"Cookie", "dubbofn_console_9090=" + token},
		} {
			if w := s.do(http.MethodGet, path, "", headers...); w.Code != http.StatusUnauthorized {
				t.Errorf("%s with %s: %d", path, what, w.Code)
			}
		}
		for _, headers := range [][]string{{"Authorization", "Bearer " + token}, {"Cookie", cookie}} {
			w := s.do(http.MethodGet, path, "", headers...)
			if w.Code != http.StatusOK || path != "/console/api/session" && !strings.Contains(w.Body.String(), strings.TrimPrefix(path, "/console")) {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
	}
}

func TestWhatChangesSomethingMustComeFromThePageItself(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *Config) { c.Doctor = func(context.Context) (any, error) { return []string{"fine"}, nil } })
	cookie := s.login()
	for what, headers := range map[string][]string{
		"no origin": nil, "another origin": {"Origin", "https://evil.example"}, "another port": {"Origin", "http://127.0.0.1:9091"}, "null": {"Origin", "null"},
		"another site": {"Origin", own, "Sec-Fetch-Site", "cross-site"},
	} {
		for path, body := range map[string]string{"/console/login": `{"token":"` + token + `"}`, "/console/logout": "", "/console/api/doctor": "", "/console/api/call": "{}"} {
			w := s.do(http.MethodPost, path, body, append(headers, "Cookie", cookie)...)
			if w.Code != http.StatusForbidden || len(w.Result().Cookies()) > 0 {
				t.Errorf("%s with %s: %d %s", path, what, w.Code, w.Body)
			}
		}
	}
	for what, headers := range map[string][]string{
		"the page": {"Origin", own, "Sec-Fetch-Site", "same-origin", "Cookie", cookie}, "a script with the token": {"Authorization", "Bearer " + token},
	} {
		if w := s.do(http.MethodPost, "/console/api/doctor", "", headers...); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "fine") {
			t.Errorf("%s: %d %s", what, w.Code, w.Body)
		}
	}
	if w := s.do(http.MethodGet, "/console/api/doctor", "", "Cookie", cookie); w.Code != http.StatusNotFound {
		t.Errorf("GET: %d", w.Code)
	}
}

func TestALoginWantsTheToken(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for body, want := range map[string]int{
		`{"token":"no"}`: http.StatusUnauthorized, `{}`: http.StatusUnauthorized, `{"token":`: http.StatusBadRequest, `{"other":1}`: http.StatusBadRequest,
		`{"token":"` + strings.Repeat("x", 5000) + `"}`: http.StatusRequestEntityTooLarge,
	} {
		if w := s.do(http.MethodPost, "/console/login", body, "Origin", own); w.Code != want || len(w.Result().Cookies()) > 0 {
			t.Errorf("%.20s: %d, want %d", body, w.Code, want)
		}
	}
	if w := s.do(http.MethodPost, "/console/login", `{"token":"`+token+`"}`, "Origin", own, "Content-Type", "text/plain"); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("a form: %d", w.Code)
	}
	w := s.do(http.MethodPost, "/console/logout", "", "Origin", own)
	if c := w.Result().Cookies(); len(c) != 1 || c[0].MaxAge >= 0 {
		t.Errorf("logout: %+v", c)
	}
	if w := s.do(http.MethodPost, "/console/login", `{"token":"`+token+`"}`, "Origin", "https://127.0.0.1:9090", "X-Forwarded-Proto", "https"); !w.Result().Cookies()[0].Secure {
		t.Error("behind TLS the cookie may be sent without")
	}
}

func TestAConsoleThatShowsCallsNothing(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *Config) {
		c.Dial = func(context.Context, string) (net.Conn, error) { t.Error("it calls"); return nil, io.EOF }
	})
	w := s.do(http.MethodPost, "/console/api/call", `{"app":"a","service":"org.x.S","method":"m"}`, "Authorization", "Bearer "+token)
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "DUBBOFN_CONSOLE=call") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

type person struct {
	Name string
	Age  int64
}

type tooOld struct{ Limit int32 }

func (e *tooOld) Error() string { return "too old" }

// provider serves a connection at a time, in memory.
func provider(t *testing.T) func(context.Context, string) (net.Conn, error) {
	t.Helper()
	set, err := fn.NewSet("greet", fn.NewService("org.example.GreetService", fn.Version("1.0.0"),
		fn.Method("greet", func(_ context.Context, p *person, times int64) ([]string, error) {
			if p.Age > 100 {
				return nil, &tooOld{100}
			}
			return make([]string, times), nil
		}),
		fn.Method("nothing", func(context.Context) error { return nil }),
	))
	if err != nil {
		t.Fatal(err)
	}
	s := dubbo.NewServer(set, dubbo.ServerConfig{Types: set.Types()})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() { cancel(); <-done })
	return func(ctx context.Context, app string) (net.Conn, error) {
		if app != "greet" {
			return nil, errors.New("it is not served")
		}
		var d net.Dialer
		return d.DialContext(ctx, "tcp", l.Addr().String())
	}
}

func TestCallsHaveTypedArguments(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *Config) { c.Mode, c.Dial = Call, provider(t) })
	call := func(body string) (int, string) {
		w := s.do(http.MethodPost, "/console/api/call", body, "Authorization", "Bearer "+token)
		var r map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		delete(r, "took_us")
		delete(r, "text")
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(r); err != nil {
			t.Fatal(err)
		}
		return w.Code, b.String()
	}
	const greet = `{"app":"greet","service":"org.example.GreetService:1.0.0","method":"greet","types":["org.example.person","long"],"args":`
	for _, x := range []struct {
		body string
		code int
		want string
	}{
		{greet + `[{"name":"Ada","age":36},2]}`, 200, `"result":["",""]`},
		{greet + `[{"name":"Ada","age":101},2]}`, 200, `too old`},
		{greet + `[{"name":"Ada","age":1}]}`, 400, "1 arguments for 2 types"},
		{`{"app":"greet","service":"org.example.GreetService:1.0.0","method":"nothing","types":[],"args":[]}`, 200, `"void":true`},
		{`{"app":"greet","service":"org.example.GreetService:1.0.0","method":"none","types":[],"args":[]}`, 200, `"error"`},
		{`{"app":"other","service":"org.example.GreetService","method":"none"}`, 200, `"code":"not found"`},
		{`{"app":"greet","service":"","method":"m"}`, 400, "error"},
		{`{"app":"greet","service":"org.x.S","method":""}`, 400, "want an app and a method"},
		{`{"app":"greet","service":"org.x.S","method":"` + strings.Repeat("m", 2000) + `"}`, 400, "limit 1024"},
		{`{"app":"greet","service":"org.x.S","method":"m","types":["int"],"args":[1e999999]}`, 400, "argument 1"},
		{`{"app":"` + strings.Repeat("x", 2<<20) + `"}`, 413, "more than"},
		{`{"application":"greet"}`, 400, "unknown field"},
	} {
		code, got := call(x.body)
		if code != x.code || !strings.Contains(got, x.want) {
			t.Errorf("%.120s: %d %s, want %d %s", x.body, code, got, x.code, x.want)
		}
	}
}

func TestDoctorLooksForOneAtATime(t *testing.T) {
	t.Parallel()
	begun, end := make(chan struct{}), make(chan struct{})
	s := open(t, func(c *Config) {
		c.Doctor = func(context.Context) (any, error) { close(begun); <-end; return nil, errors.New("no registry") }
	})
	first := make(chan *httptest.ResponseRecorder)
	go func() {
		first <- s.do(http.MethodPost, "/console/api/doctor", "", "Authorization", "Bearer "+token)
	}()
	<-begun
	if w := s.do(http.MethodPost, "/console/api/doctor", "", "Authorization", "Bearer "+token); w.Code != http.StatusTooManyRequests {
		t.Errorf("a second one: %d", w.Code)
	}
	close(end)
	if w := <-first; w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "no registry") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	without := open(t, nil)
	if w := without.do(http.MethodPost, "/console/api/doctor", "", "Authorization", "Bearer "+token); w.Code != http.StatusNotFound {
		t.Errorf("without a doctor: %d", w.Code)
	}
}

func TestTypesAreErased(t *testing.T) {
	t.Parallel()
	got := erased([]string{"java.util.Map<java.lang.String,java.util.List<int[]>>", "int", "java.util.List<org.x.P>[]", "<<>", ">"})
	if want := "java.util.Map|int|java.util.List[]||"; strings.Join(got, "|") != want {
		t.Errorf("%q", got)
	}
}

func TestFailuresTellWhetherTheCallMayHaveRun(t *testing.T) {
	t.Parallel()
	if f := failed(&invoker.Error{Code: invoker.CodeTimeout, Err: io.EOF, MaybeExecuted: true}); !f.Ran || f.Code == "" {
		t.Errorf("%+v", f)
	}
	if f := failed(&invoker.Exception{Class: "org.x.E", Message: "m"}); !f.Ran || f.Class != "org.x.E" || f.Message != "m" {
		t.Errorf("%+v", f)
	}
}
