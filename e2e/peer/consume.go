package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry/nacos"
	"github.com/dubbofn/dubbofn/registry/zookeeper"
)

const typesInterface = "org.fixture.dubbo.TypesService"

// consumer is what the cases are run with.
type consumer struct {
	cases
	client *client.Client
	direct string // dubbo://… where no registry is used
	tagged bool
	types  *client.Service
	f      functions
}

// consume runs every case and gives the exit code. It prints a line a case and "N passed, M failed" at the end.
func consume(args []string) int {
	flags := flag.NewFlagSet("consumer", flag.ExitOnError)
	mode := flags.String("mode", "app", "how the provider is found: app, iface or direct")
	registryURL := flags.String("registry", "nacos://127.0.0.1:8848", "where")
	direct := flags.String("direct", "127.0.0.1:20880", "the provider's address, for -mode direct")
	tagged := flags.Bool("tagged", false, "a provider with the tag gray is there too")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	c := &consumer{cases: cases{ctx: ctx}, tagged: *tagged}
	cfg := client.Config{App: "go-consumer", Registry: []string{*registryURL}, Timeout: 5 * time.Second, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	switch *mode {
	case "app":
		cfg.Migration = "FORCE_APPLICATION"
	case "iface":
		cfg.Migration = "FORCE_INTERFACE"
	case "direct":
		c.direct = "dubbo://" + *direct
	default:
		fmt.Fprintf(os.Stderr, "-mode=%q: want app, iface or direct\n", *mode)
		return 2
	}
	if err := c.run(cfg); err != nil {
		fmt.Fprintln(os.Stderr, err)
		fmt.Println("0 passed, 1 failed")
		return 1
	}
	fmt.Printf("%d passed, %d failed\n", c.passed, c.failed)
	if c.failed > 0 {
		return 1
	}
	return 0
}

func (c *consumer) run(cfg client.Config) (err error) {
	if c.client, err = client.New(cfg, nacos.Registry, zookeeper.Registry); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.client.Close()) }()
	if c.types, err = c.refer(typesInterface, client.Throws[*BizException](), client.Class[Color]("org.fixture.dubbo.Color")); err != nil {
		return err
	}
	if err = c.types.Bind(&c.f); err != nil {
		return err
	}
	c.scalars(&c.f)
	c.texts(&c.f)
	c.times(&c.f)
	c.objects(&c.f)
	c.arrays(&c.f)
	c.plain()
	c.exceptions()
	c.concurrent()
	c.attachments()
	c.generic()
	c.others()
	if c.tagged {
		c.tags()
	}
	return nil
}

// refer waits until there is a provider: one that has just started may not be visible yet.
func (c *consumer) refer(iface string, options ...client.Option) (*client.Service, error) {
	if c.direct != "" {
		options = append(options, client.URL(c.direct))
	}
	s, err := c.client.Reference(c.ctx, iface, options...)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(10 * time.Second); len(s.Providers()) == 0 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	return s, nil
}

func (c *consumer) plain() {
	f := &c.f
	c.check("void", func(ctx context.Context) error {
		key := fmt.Sprint("k", time.Now().UnixNano())
		err := f.Nothing(ctx, key)
		last, lastErr := f.LastKey(ctx)
		return all(err, lastErr, equal(key, last))
	})
	over := func(name, want string, call func(ctx context.Context) (string, error)) {
		c.check(name, func(ctx context.Context) error { got, err := call(ctx); return all(err, equal(want, got)) })
	}
	over("overload-string", "string:v", func(ctx context.Context) (string, error) { return f.OverString(ctx, "v") })
	over("overload-int", "int:7", func(ctx context.Context) (string, error) { return f.OverInt(ctx, 7) })
	over("overload-string-int", "string,int:v,7", func(ctx context.Context) (string, error) { return f.OverStringInt(ctx, "v", 7) })
	over("overload-pojo", "person:p1", func(ctx context.Context) (string, error) { return f.OverPerson(ctx, person(1)) })
	over("overload-list", "list:2", func(ctx context.Context) (string, error) { return f.OverList(ctx, []string{"a", "b"}) })
	c.check("oneway", func(ctx context.Context) error {
		key := fmt.Sprint("k", time.Now().UnixNano())
		if err := c.types.OneWay(ctx, "oneWay", key); err != nil {
			return err
		}
		for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if last, err := f.LastKey(ctx); err == nil && last == key {
				return nil
			}
		}
		return errors.New("never arrived")
	})
}

func (c *consumer) exceptions() {
	f := &c.f
	c.check("exception-checked", func(ctx context.Context) error {
		_, err := f.FailChecked(ctx, 42, "no such order 😀")
		var biz *BizException
		var e *invoker.Exception
		if !errors.As(err, &biz) || !errors.As(err, &e) {
			return fmt.Errorf("%w: %w", errNothingThrown, err)
		}
		return all(equal(int32(42), biz.Code), equal("no such order 😀", e.Message), equal("org.fixture.dubbo.BizException", e.Class))
	})
	c.check("exception-runtime", func(ctx context.Context) error {
		_, err := f.FailRuntime(ctx, "boom-77")
		var e *invoker.Exception
		if !errors.As(err, &e) || !strings.Contains(e.Message, "boom-77") {
			return fmt.Errorf("%w: %w", errNothingThrown, err)
		}
		return nil
	})
	c.check("exception-then-call", func(ctx context.Context) error { n, err := f.EchoInt(ctx, 5); return all(err, equal(int32(5), n)) })
}

func (c *consumer) concurrent() {
	f := &c.f
	c.check("async-future", func(ctx context.Context) error { s, err := f.Async(ctx, "x"); return all(err, equal("async:x", s)) })
	c.check("async-future-32", func(ctx context.Context) error {
		return parallel(32, func(i int) error {
			s, err := f.Async(ctx, fmt.Sprint("x", i))
			return all(err, equal(fmt.Sprint("async:x", i), s))
		})
	})
	c.check("concurrent-mixed", func(ctx context.Context) error {
		return parallel(64, func(i int) error {
			for k := range 10 {
				n, err := f.EchoInt(ctx, int32(i*k))
				s, serr := f.EchoString(ctx, new(fmt.Sprint("s", i)))
				p, perr := f.EchoPerson(ctx, person(int64(i)))
				if err := all(err, serr, perr, equal(int32(i*k), n), equal(new(fmt.Sprint("s", i)), s), equal(person(int64(i)), p)); err != nil {
					return err
				}
			}
			return nil
		})
	})
	c.check("one-connection", func(ctx context.Context) error {
		before := c.client.Stat().Open
		err := parallel(64, func(int) error { _, err := f.Sleep(ctx, 200); return err })
		return all(err, equal(before, c.client.Stat().Open))
	})
	c.check("timeout", func(ctx context.Context) error {
		s, err := c.refer(typesInterface, client.Timeout(300*time.Millisecond))
		if err != nil {
			return err
		}
		begin := time.Now()
		err = s.Call(ctx, "sleep", new(string), int64(1500))
		if code, _ := invoker.CodeOf(err); code != invoker.CodeTimeout || time.Since(begin) > 1200*time.Millisecond {
			return fmt.Errorf("after %v: %w", time.Since(begin), err)
		}
		time.Sleep(1500 * time.Millisecond)
		var n int32
		return all(s.Call(ctx, "echoInt", &n, int32(9)), equal(int32(9), n), s.Close())
	})
}

// parallel runs each beside the others and gives the first error.
func parallel(n int, each func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = each(i) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *consumer) attachments() {
	send := func(ctx context.Context, method, key string, value any) (string, invoker.Result, error) {
		var got string
		inv := &invoker.Invocation{Method: method, Args: []any{key}, Into: &got}
		if value != nil {
			inv.Attachments.Set(key, value)
		}
		res, err := c.types.Invoke(ctx, inv)
		return got, res, err
	}
	c.check("attachment-request", func(ctx context.Context) error {
		got, _, err := send(ctx, "attach", "k1", "value-世😀")
		return all(err, equal("value-世😀", got))
	})
	c.check("attachment-response", func(ctx context.Context) error {
		_, res, err := send(ctx, "attach", "k2", "v2")
		return all(err, equal("pong-v2", res.Attachments.Get("resp-k2")))
	})
	c.check("attachment-not-sticky", func(ctx context.Context) error {
		_, _, first := send(ctx, "attach", "k3", "v3")
		got, _, err := send(ctx, "attach", "k3", nil)
		return all(first, err, equal("null", got))
	})
	c.check("attachment-object", func(ctx context.Context) error {
		got, _, err := send(ctx, "attachObject", "k4", int32(77))
		return all(err, equal("Integer:77", got))
	})
	c.check("attachment-case", func(ctx context.Context) error {
		got, _, err := send(ctx, "attach", "Mixed-Case.Key", "v5")
		return all(err, equal("v5", got))
	})
}

func joseMap() map[any]any {
	return map[any]any{
		"class": "org.fixture.dubbo.Person", "id": int64(9_000_000_001), "name": "José😀", "age": int32(31), "favourite": "GREEN",
		"home": map[any]any{"class": "org.fixture.dubbo.Address", "street": "Main St", "zip": int32(12345)},
	}
}

func (c *consumer) generic() {
	const personClass = "org.fixture.dubbo.Person"
	generic := func(name, method, javaType string, arg any, judge func(v any) error) {
		c.check(name, func(ctx context.Context) error {
			v, err := c.types.Generic(ctx, method, []string{javaType}, arg)
			if err != nil {
				return err
			}
			return judge(v)
		})
	}
	c.check("echo-service", func(ctx context.Context) error {
		var got string
		return all(c.types.Call(ctx, "$echo", &got, any("ping")), equal("ping", got))
	})
	generic("generic-primitive", "echoInt", "int", int32(8), func(v any) error { return equal(any(int32(8)), v) })
	generic("generic-pojo-in", "describe", personClass, joseMap(), func(v any) error { return equal(any("José😀:31:Main St#12345:GREEN:9000000001"), v) })
	generic("generic-pojo-out", "birthday", personClass, joseMap(), func(v any) error {
		m, ok := v.(map[any]any)
		if !ok {
			return fmt.Errorf("a %s", kindOf(v))
		}
		home, _ := m["home"].(map[any]any)
		return all(equal(any("José😀!"), m["name"]), equal(any(int32(32)), m["age"]), equal(any("Main St"), home["street"]), equal(any(personClass), m["class"]))
	})
	generic("generic-list", "echoPersons", "java.util.List", []any{joseMap(), joseMap()}, func(v any) error {
		l, ok := v.([]any)
		if !ok || len(l) != 2 {
			return fmt.Errorf("%s of %d", kindOf(v), len(l))
		}
		return nil
	})
	generic("generic-overload", "over", "int", int32(5), func(v any) error { return equal(any("int:5"), v) })
	c.check("generic-exception", func(ctx context.Context) error {
		_, err := c.types.Generic(ctx, "failChecked", []string{"int", "java.lang.String"}, int32(7), "g-boom")
		var e *invoker.Exception
		if !errors.As(err, &e) {
			return fmt.Errorf("%w: %w", errNothingThrown, err)
		}
		return all(equal("org.fixture.dubbo.BizException", e.Class), equal("g-boom", e.Message))
	})
	c.check("unknown-method", func(ctx context.Context) error {
		_, err := c.types.Generic(ctx, "noSuchMethod", []string{"int"}, int32(5))
		if code, _ := invoker.CodeOf(err); err == nil || code == invoker.CodeTimeout {
			return fmt.Errorf("want an answer: %w", err)
		}
		return nil
	})
}

func (c *consumer) others() {
	c.check("group-version", func(ctx context.Context) error {
		s, err := c.refer(typesInterface, client.Group("g1"), client.Version("2.0.0"))
		if err != nil {
			return err
		}
		var who string
		err = s.Call(ctx, "whoami", &who)
		if !strings.HasSuffix(who, "/g1") {
			err = fmt.Errorf("%q answered: %w", who, err)
		}
		return all(err, s.Close())
	})
	c.check("group-version-separate", func(ctx context.Context) error {
		who, err := c.f.Whoami(ctx)
		if strings.Contains(who, "/") {
			return fmt.Errorf("%q answered", who)
		}
		return err
	})
	c.check("token-accepted", func(ctx context.Context) error {
		var options []client.Option
		if c.direct != "" {
			options = append(options, client.Token("s3cret"))
		}
		s, err := c.refer("org.fixture.dubbo.TokenService", options...)
		if err != nil {
			return err
		}
		var hello string
		return all(s.Call(ctx, "hello", &hello, "t"), equal("hello t", hello), s.Close())
	})
	c.check("token-refused", func(ctx context.Context) error {
		s, err := c.refer("org.fixture.dubbo.TokenService", client.Token("wrong"))
		if err != nil {
			return err
		}
		if err = s.Call(ctx, "hello", new(string), "t"); err == nil {
			return errors.New("accepted")
		}
		if code, _ := invoker.CodeOf(err); code == invoker.CodeTimeout {
			return fmt.Errorf("want an answer: %w", err)
		}
		return s.Close()
	})
	c.check("unknown-service", func(ctx context.Context) error {
		s, err := c.client.Reference(ctx, "org.fixture.dubbo.NoService")
		if c.direct != "" {
			s, err = c.client.Reference(ctx, "org.fixture.dubbo.NoService", client.URL(c.direct))
		}
		if err != nil {
			return err
		}
		err = s.Call(ctx, "nothing", nil)
		if code, _ := invoker.CodeOf(err); err == nil || code == invoker.CodeTimeout {
			return fmt.Errorf("want an error at once: %w", err)
		}
		return s.Close()
	})
}

// tags checks static tags: a provider with the tag gray is there beside those without.
func (c *consumer) tags() {
	ask := func(ctx context.Context, attachments ...string) (string, error) {
		var who string
		inv := &invoker.Invocation{Method: "whoami", Into: &who}
		for i := 0; i < len(attachments); i += 2 {
			inv.Attachments.Set(attachments[i], attachments[i+1])
		}
		_, err := c.types.Invoke(ctx, inv)
		return who, err
	}
	each := func(name string, want func(who string) bool, attachments ...string) {
		c.check(name, func(ctx context.Context) error {
			for range 20 {
				who, err := ask(ctx, attachments...)
				if err != nil {
					return err
				}
				if !want(who) {
					return fmt.Errorf("%q answered", who)
				}
			}
			return nil
		})
	}
	gray := func(who string) bool { return strings.HasSuffix(who, "gray") }
	each("tag-gray", gray, "dubbo.tag", "gray")
	each("tag-none", func(who string) bool { return !gray(who) })
	each("tag-unknown-falls-back", func(who string) bool { return !gray(who) }, "dubbo.tag", "blue")
}
