package auth_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/invoker"
)

var service = invoker.ServiceKey{Interface: "org.example.UserService", Version: "1.0", Group: "blue"}

// ends gives a signing consumer whose calls arrive at a verifying provider; change is what happens on the way.
type ends struct {
	t        *testing.T
	sign     auth.SignConfig
	verify   auth.VerifyConfig
	change   func(inv *invoker.Invocation)
	log      bytes.Buffer
	arrived  int
	consumer invoker.Filter
	provider invoker.Filter
}

func keyFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func newEnds(t *testing.T, parameters bool) *ends {
	t.Helper()
	e := &ends{t: t, change: func(*invoker.Invocation) {}}
	log := slog.New(slog.NewTextHandler(&e.log, nil))
	keys, err := auth.KeysFrom(keyFile(t, "# of the shop\nshop-1 s3cret\nshop-2 other\n"), log)
	if err != nil {
		t.Fatal(err)
	}
	e.sign = auth.SignConfig{Key: auth.Key{ID: "shop-1", Secret: "s3cret"}, Application: "shop", Parameters: parameters}
	e.verify = auth.VerifyConfig{Keys: keys, Parameters: parameters, Log: log}
	return e
}

func (e *ends) call(inv *invoker.Invocation) error {
	e.t.Helper()
	if e.consumer == nil {
		var err error
		if e.consumer, err = auth.NewSigner(e.sign); err != nil {
			e.t.Fatal(err)
		}
		if e.provider, err = auth.NewVerifier(e.verify); err != nil {
			e.t.Fatal(err)
		}
	}
	last := invoker.Func(func(context.Context, *invoker.Invocation) (invoker.Result, error) {
		e.arrived++
		return invoker.Result{}, nil
	})
	way := func(next invoker.Invoker) invoker.Invoker {
		return invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
			e.change(inv)
			return next.Invoke(ctx, inv)
		})
	}
	_, err := invoker.Chain(last, e.consumer, way, e.provider).Invoke(e.t.Context(), inv)
	return err
}

func call() *invoker.Invocation {
	return &invoker.Invocation{Service: service, Method: "getUser", Descriptor: "JLjava/lang/String;", Args: []any{int64(7), "x"}}
}

func TestASignedCallArrives(t *testing.T) {
	t.Parallel()
	for _, parameters := range []bool{false, true} {
		e := newEnds(t, parameters)
		inv := call()
		if err := e.call(inv); err != nil || e.arrived != 1 {
			t.Errorf("parameters %v: %v, %s", parameters, err, &e.log)
		}
		for key, want := range map[string]string{"ak": "shop-1", "consumer": "shop"} {
			if got := inv.Attachments.Get(key); got != want {
				t.Errorf("%s %q, want %q", key, got, want)
			}
		}
		generic := &invoker.Invocation{Service: service, Method: "$invoke", Descriptor: "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;", Args: []any{"getUser", []string{"long"}, []any{int64(7)}}}
		if parameters {
			continue // an Object[] isn't signed
		}
		if err := e.call(generic); err != nil {
			t.Errorf("generic: %v, %s", err, &e.log)
		}
	}
}

func TestACallThatIsNotWhatWasSignedIsRefused(t *testing.T) {
	t.Parallel()
	set := func(key, value string) func(*invoker.Invocation) {
		return func(inv *invoker.Invocation) { inv.Attachments.Set(key, value) }
	}
	for name, c := range map[string]struct {
		change     func(*invoker.Invocation)
		parameters bool
		log        string
	}{
		"not signed":         {func(inv *invoker.Invocation) { inv.Attachments = invoker.Attachments{} }, false, "not signed"},
		"unknown key":        {set("ak", "nobody"), false, "access key is unknown"},
		"another's key":      {set("ak", "shop-2"), false, "signature is wrong"},
		"another method":     {func(inv *invoker.Invocation) { inv.Method = "deleteUser" }, false, "signature is wrong"},
		"another service":    {func(inv *invoker.Invocation) { inv.Service.Group = "red" }, false, "signature is wrong"},
		"another time":       {set("timestamp", "1700000000001"), false, "signature is wrong"},
		"no time":            {set("timestamp", "soon"), false, "signature is wrong"},
		"signature of bytes": {set("signature", strings.Repeat("A", 1<<20)), false, "signature is wrong"},
		"another argument":   {func(inv *invoker.Invocation) { inv.Args[0] = int64(8) }, true, "signature is wrong"},
		"a null argument":    {func(inv *invoker.Invocation) { inv.Args[1] = nil }, true, "null can't be signed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnds(t, c.parameters)
			e.change = c.change
			err := e.call(call())
			var refused *invoker.Error
			if !errors.As(err, &refused) || refused.Code != invoker.CodeUnauthenticated || e.arrived != 0 {
				t.Fatalf("%v, %d calls arrived", err, e.arrived)
			}
			if !strings.Contains(e.log.String(), c.log) || !strings.Contains(e.log.String(), "getUser") && name != "another method" {
				t.Errorf("the log does not tell %q: %s", c.log, &e.log)
			}
			for _, secret := range []string{"s3cret", "key", "signature", "time"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the caller learns of the %s: %v", secret, err)
				}
			}
			if strings.Contains(e.log.String(), "s3cret") || e.log.Len() > 2000 {
				t.Errorf("log of %d bytes: %.300s", e.log.Len(), &e.log)
			}
		})
	}
}

func TestACallIsGoodForAWindow(t *testing.T) {
	t.Parallel()
	e := newEnds(t, false)
	e.verify.Window = 10 * time.Second
	var wait time.Duration
	e.change = func(*invoker.Invocation) { time.Sleep(wait) }
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Now().Add(time.Hour)))
		e.t = t
		for _, c := range []struct {
			wait time.Duration
			ok   bool
		}{{0, true}, {10 * time.Second, true}, {10*time.Second + time.Millisecond, false}, {time.Hour, false}} {
			wait = c.wait
			if err := e.call(call()); (err == nil) != c.ok {
				t.Errorf("after %v: %v", c.wait, err)
			}
		}
		if !strings.Contains(e.log.String(), "its time is 1h0m0s off, the window is 10s") {
			t.Errorf("log %s", &e.log)
		}
		early := call()
		e.change = func(inv *invoker.Invocation) { *inv = *early }
		if err := e.call(call()); err == nil {
			t.Error("an unsigned call arrived")
		}
	})
}

func TestKeysAreReplacedWhileCallsRun(t *testing.T) {
	t.Parallel()
	path := keyFile(t, "shop-1 s3cret\n")
	e := newEnds(t, false)
	synctest.Test(t, func(t *testing.T) {
		e.t = t
		keys, err := auth.KeysFrom(path, e.verify.Log)
		if err != nil {
			t.Fatal(err)
		}
		e.verify.Keys = keys
		for _, c := range []struct {
			file string
			ok   bool
			log  string
		}{
			{"shop-1 s3cret\n", true, ""},
			{"shop-2 next\nshop-1 s3cret\n", true, "read again"},
			{"shop-1\n", true, "line 1 has 1 words"},
			{"shop-2 next\n", false, "access key is unknown"},
		} {
			if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
			if err := e.call(call()); (err == nil) != c.ok || !strings.Contains(e.log.String(), c.log) {
				t.Errorf("file %q: %v, log %s", c.file, err, &e.log)
			}
		}
	})
}

func TestFaultsNameTheirPlaceAndNoSecret(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"":                           "no key",
		"# only words\n":             "no key",
		"a s3cret\nb\n":              "line 2 has 1 words",
		"a s3cret x\n":               "line 1 has 3 words",
		"a s3cret\na s3cret2\n":      `line 2: access key "a" is there twice`,
		strings.Repeat("a", 100000):  "token too long",
		strings.Repeat("#\n", 1<<20): "more than 1048576 bytes",
	} {
		if _, err := auth.KeysFrom(keyFile(t, content), nil); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%.20q: %v, want %q", content, err, want)
		}
	}
	for want, c := range map[string]auth.SignConfig{
		`access key id ""`:             {},
		`access key "a" has no secret`: {Key: auth.Key{ID: "a"}},
		`access key id "a b"`:          {Key: auth.Key{ID: "a b", Secret: "s3cret"}},
	} {
		if _, err := auth.NewSigner(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	e := newEnds(t, true)
	for want, inv := range map[string]*invoker.Invocation{
		"any version or group":             {Service: invoker.ServiceKey{Interface: "a.B", Version: "*"}, Method: "m"},
		"argument 1 of 1 of m: its class":  {Service: service, Method: "m", Args: []any{struct{}{}}},
		"declare the method's Java types":  {Service: service, Method: "m", Args: []any{[]int32{1}}},
		"argument 1 of 1 of m: element 1:": {Service: service, Method: "m", Descriptor: "Ljava/util/List;", Args: []any{[]any{map[string]int{}}}},
		"null can't be signed":             {Service: service, Method: "m", Descriptor: "Ljava/lang/String;", Args: []any{nil}},
	} {
		var fault *invoker.Error
		if err := e.call(inv); !errors.As(err, &fault) || fault.Code != invoker.CodeClient || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// What dubbo-auth of Dubbo Java signed (testdata/signatures.tsv) is good here.
func TestJavasSignaturesAreGood(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/signatures.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	a, b := "a", "b"
	cases := map[string]struct {
		descriptor string
		args       []any
	}{
		"text":             {"", nil},
		"none":             {"", []any{}},
		"string":           {"Ljava/lang/String;", []any{"größe 😀 \x00"}},
		"long string":      {"Ljava/lang/String;", []any{strings.Repeat("x", 70000)}},
		"two strings":      {"Ljava/lang/String;Ljava/lang/String;", []any{"a", "a"}},
		"one string twice": {"Ljava/lang/String;Ljava/lang/String;", []any{"a", &a}},
		"int":              {"I", []any{42}},
		"small ints":       {"ILjava/lang/Integer;I", []any{int32(42), int64(42), 43}},
		"long":             {"JJJ", []any{42, int64(42), -5_000_000_000}},
		"boolean":          {"ZZZ", []any{true, false, true}},
		"mixed":            {"JLjava/lang/String;IJZ", []any{1, "a", 1, 2, true}},
		"bytes":            {"[B", []any{[]byte{1, 2, 255}}},
		"primitive arrays": {"[I[J[S[C[F[D[Z[I", []any{[]int32{1, -2}, []int{3}, []int16{4}, []uint16{'x'}, []float32{1}, []float64{2}, []bool{true, false}, []int32{5}}},
		"strings":          {"[Ljava/lang/String;", []any{[]*string{&a, nil, &b}}},
		"list":             {"Ljava/util/List;", []any{[]any{int32(1), "a", nil, int64(2)}}},
		"empty list":       {"Ljava/util/List;", []any{[]any{}}},
		"date":             {"Ljava/util/Date;", []any{time.UnixMilli(1700000000123)}},
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	seen := 0
	for lines.Scan() {
		parts := strings.Split(lines.Text(), "\t")
		if len(parts) != 3 || parts[2] == "refused" {
			continue
		}
		c, ok := cases[parts[0]]
		if !ok {
			continue // large ints, floats: javaserial has them
		}
		e := newEnds(t, parts[0] != "text")
		e.verify.Window = 100 * 365 * 24 * time.Hour
		e.change = func(inv *invoker.Invocation) {
			inv.Attachments.Set("signature", parts[2])
			inv.Attachments.Set("timestamp", "1700000000000")
		}
		if err := e.call(&invoker.Invocation{Service: service, Method: "getUser", Descriptor: c.descriptor, Args: c.args}); err != nil {
			t.Errorf("%s: %v, %s", parts[0], err, &e.log)
		}
		seen++
	}
	if seen != len(cases) {
		t.Errorf("%d signatures of Java's, want %d", seen, len(cases))
	}
}
