package cluster

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

func TestFailoverTriesAnotherOnlyWhereThatDoesNoHarm(t *testing.T) {
	t.Parallel()
	exception := &invoker.Exception{Class: "org.example.BizException", Message: "no"}
	for name, c := range map[string]struct {
		err        error
		idempotent bool
		tries      int64
	}{
		"surely not run":                       {notRun(), false, 3},
		"may have run":                         {mayHaveRun(), false, 1},
		"may have run, and idempotent":         {mayHaveRun(), true, 3},
		"what the method threw":                {exception, true, 1},
		"exhausted, as reported":               {&invoker.Error{Code: invoker.CodeExhausted, Remote: true, Err: errors.New("full")}, false, 3},
		"a bad request fails anywhere":         {invoker.Errorf(invoker.CodeBadRequest, "call", "no such argument"), true, 1},
		"a wrong signature fails anywhere":     {invoker.Errorf(invoker.CodeUnauthenticated, "call", "not allowed"), true, 1},
		"an answer that can't be read, or ran": {&invoker.Error{Code: invoker.CodeBadResponse, Err: errors.New("bad"), MaybeExecuted: true}, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := network(t, 5)
			for _, h := range d.all {
				h.fails(c.err)
			}
			cl := d.cluster(Config{Methods: map[string]MethodConfig{"get": {Idempotent: c.idempotent}}})
			_, err := cl.Invoke(t.Context(), call())
			if !errors.Is(err, c.err) {
				t.Errorf("error %v, want %v", err, c.err)
			}
			var sum int64
			for _, h := range d.all {
				sum += h.calls.Load()
				if h.calls.Load() > 1 {
					t.Errorf("%s was tried %d times while others were left", h.name, h.calls.Load())
				}
			}
			if sum != c.tries {
				t.Errorf("%d tries, want %d", sum, c.tries)
			}
			if c.tries > 1 && !strings.Contains(err.Error(), "3 tries (10.0.100.") {
				t.Errorf("error %q does not tell what was tried", err)
			}
		})
	}
}

func TestWhatAProviderDoesNotHaveIsAskedOfOneOtherAtMost(t *testing.T) {
	t.Parallel()
	absent := &invoker.Error{Code: invoker.CodeNotFound, Remote: true, Err: errors.New("no method get")}
	for providers, want := range map[int]int64{1: 1, 2: 2, 5: 2} {
		d := network(t, providers)
		for _, h := range d.all {
			h.fails(absent)
		}
		_, err := d.cluster(Config{Retries: new(4)}).Invoke(t.Context(), call())
		if !errors.Is(err, absent) {
			t.Errorf("of %d: error %v", providers, err)
		}
		var sum int64
		for _, h := range d.all {
			sum += h.calls.Load()
		}
		if sum != want {
			t.Errorf("of %d: %d tries, want %d", providers, sum, want)
		}
	}
	d := network(t, 2)
	d.all[0].fails(absent)
	cl := d.cluster(Config{})
	for n := range 20 {
		if _, err := cl.Invoke(t.Context(), call()); err != nil {
			t.Errorf("call %d, while a roll-out has reached one of two: %v", n, err)
		}
	}
}

func TestOneOfThreeDiesAndNoIdempotentCallFails(t *testing.T) {
	t.Parallel()
	d := network(t, 3)
	cl := d.cluster(Config{Methods: map[string]MethodConfig{"get": {Idempotent: true}}})
	var failed atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				if _, err := cl.Invoke(t.Context(), call()); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	d.all[1].mu.Lock()
	d.all[1].refuses = true
	d.all[1].mu.Unlock()
	d.all[1].fails(mayHaveRun())
	_ = d.all[1].Close()
	wg.Wait()
	if failed.Load() > 0 {
		t.Errorf("%d calls failed", failed.Load())
	}
}

func TestTriesShareOneDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := network(t, 3)
		for _, h := range d.all {
			h.answer = func(ctx context.Context, _ *invoker.Invocation) (invoker.Result, error) {
				select {
				case <-time.After(400 * time.Millisecond):
					return invoker.Result{}, notRun()
				case <-ctx.Done():
					return invoker.Result{}, &invoker.Error{Code: invoker.CodeTimeout, Err: ctx.Err(), MaybeExecuted: true}
				}
			}
		}
		cl := d.cluster(Config{Timeout: time.Second, Retries: new(9), Methods: map[string]MethodConfig{"get": {Idempotent: true}}})
		begin := time.Now()
		_, err := cl.Invoke(t.Context(), call())
		if took := time.Since(begin); took != time.Second || !isDeadline(err) {
			t.Errorf("took %v: %v; want 1s and the deadline", took, err)
		}
		_ = d.pool.Close()
	})
}

func TestReadyProvidersComeFirst(t *testing.T) {
	t.Parallel()
	for name := range balances() {
		for _, n := range []int{3, 100} {
			d := network(t, n)
			for i, h := range d.all {
				if i != 1 {
					h.leaving.Store(true)
				}
			}
			cl := d.cluster(Config{LoadBalance: name})
			for i := range 50 {
				res, err := cl.Invoke(t.Context(), call(i))
				if err != nil || res.Value != d.all[1].name {
					t.Fatalf("%s of %d: %v, %v; want the one that takes calls", name, n, res.Value, err)
				}
			}
			d.all[1].leaving.Store(true)
			if _, err := cl.Invoke(t.Context(), call()); err != nil {
				t.Errorf("%s: all are leaving, and still connected: %v", name, err)
			}
		}
	}
}

func TestRetryBudgetEndsAStorm(t *testing.T) {
	t.Parallel()
	d := network(t, 3)
	for _, h := range d.all {
		h.fails(notRun())
	}
	budget := &fewRetries{left: 5}
	cl := d.cluster(Config{Budget: budget})
	for range 20 {
		if _, err := cl.Invoke(t.Context(), call()); err == nil {
			t.Fatal("no error")
		}
	}
	if s := cl.Stats(); s.Calls != 20 || s.Retries != 5 || s.Spared == 0 || s.Failures != 20 || budget.calls != 20 {
		t.Errorf("%+v, %d calls told", s, budget.calls)
	}
}

type fewRetries struct{ calls, left int }

func (f *fewRetries) Call()       { f.calls++ }
func (f *fewRetries) Retry() bool { f.left--; return f.left >= 0 }

func TestStrategies(t *testing.T) {
	t.Parallel()
	exception := &invoker.Exception{Class: "org.example.BizException"}
	for name, c := range map[string]struct {
		cluster string
		prepare func(*hosts)
		calls   int64 // over all hosts
		value   any
		err     error
	}{
		"failfast tries once":                     {"failfast", each(notRun()), 1, nil, errAny},
		"failsafe ignores a failure":              {"failsafe", each(notRun()), 1, nil, nil},
		"failsafe tells what the method threw":    {"failsafe", each(exception), 1, nil, exception},
		"failback ignores a failure":              {"failback", each(notRun()), 1, nil, nil},
		"failback tells what the method threw":    {"failback", each(exception), 1, nil, exception},
		"forking takes the one that answers":      {"forking", func(d *hosts) { d.all[0].fails(notRun()); d.all[2].fails(notRun()) }, 3, "10.0.100.102:20880", nil},
		"broadcast calls all":                     {"broadcast", func(*hosts) {}, 3, nil, nil},
		"broadcast fails where one did":           {"broadcast", func(d *hosts) { d.all[1].fails(notRun()) }, 3, nil, errAny},
		"available takes the first that is ready": {"available", func(d *hosts) { d.all[0].leaving.Store(true) }, 1, "10.0.100.102:20880", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := network(t, 3, map[string]string{"forks": "3"})
			c.prepare(d)
			cl := d.cluster(Config{Cluster: c.cluster, LoadBalance: "roundrobin"})
			res, err := cl.Invoke(t.Context(), call())
			if (err == nil) != (c.err == nil) || c.err != nil && !errors.Is(c.err, errAny) && !errors.Is(err, c.err) {
				t.Errorf("error %v, want %v", err, c.err)
			}
			if c.value != nil && res.Value != c.value {
				t.Errorf("value %v, want %v", res.Value, c.value)
			}
			if err := cl.Close(); err != nil {
				t.Error(err)
			}
			var sum int64
			for _, h := range d.all {
				sum += h.calls.Load()
			}
			if sum != c.calls {
				t.Errorf("%d calls, want %d", sum, c.calls)
			}
		})
	}
}

var errAny = errors.New("any")

func each(err error) func(*hosts) {
	return func(d *hosts) {
		for _, h := range d.all {
			h.fails(err)
		}
	}
}

func TestForkingDecodesEachResultApart(t *testing.T) {
	t.Parallel()
	d := network(t, 2)
	for _, h := range d.all {
		h.answer = func(_ context.Context, inv *invoker.Invocation) (invoker.Result, error) {
			*inv.Into.(*string) = h.name
			return invoker.Result{}, nil
		}
	}
	cl := d.cluster(Config{Cluster: "forking"})
	var got string
	inv := call()
	inv.Into = &got
	if _, err := cl.Invoke(t.Context(), inv); err != nil || !strings.HasPrefix(got, "10.0.100.") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestFailbackTriesAgainLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := network(t, 1)
		d.all[0].fails(notRun())
		cl := d.cluster(Config{Cluster: "failback"})
		for range failbackTasks + 5 {
			if _, err := cl.Invoke(t.Context(), call()); err != nil {
				t.Fatal(err)
			}
		}
		if s := cl.Stats(); s.Queued != failbackTasks {
			t.Errorf("%d wait, want %d", s.Queued, failbackTasks)
		}
		d.all[0].mu.Lock()
		d.all[0].answer = nil
		d.all[0].mu.Unlock()
		time.Sleep(6 * time.Second)
		if s := cl.Stats(); s.Queued != 0 || d.all[0].calls.Load() != 2*failbackTasks+5 {
			t.Errorf("%d wait, %d calls", s.Queued, d.all[0].calls.Load())
		}
		_ = cl.Close()
		_ = d.pool.Close()
	})
}

func TestFailbackNeverRepeatsWhatMayHaveRun(t *testing.T) {
	t.Parallel()
	d := network(t, 1)
	d.all[0].fails(mayHaveRun())
	cl := d.cluster(Config{Cluster: "failback"})
	if _, err := cl.Invoke(t.Context(), call()); err != nil || cl.Stats().Queued != 0 {
		t.Errorf("%v, %d wait", err, cl.Stats().Queued)
	}
}

func TestSettingsComeFromWhoHasTheSay(t *testing.T) {
	t.Parallel()
	published := map[string]string{"timeout": "3000", "get.timeout": "4000", "retries": "5", "loadbalance": "roundrobin"}
	base := Provider{Service: published}
	overridden := Provider{Service: published, Override: map[string]string{"timeout": "700", "cluster": "failfast"}}
	for name, c := range map[string]struct {
		config   Config
		provider Provider
		timeout  time.Duration
		tries    int
	}{
		"nobody":                         {Config{}, Provider{}, time.Second, 3},
		"the provider, for its method":   {Config{}, base, 4 * time.Second, 6},
		"the consumer before it":         {Config{Timeout: 2 * time.Second, Retries: new(0)}, base, 2 * time.Second, 1},
		"the consumer, for its method":   {Config{Timeout: time.Minute, Methods: map[string]MethodConfig{"get": {Timeout: 5 * time.Second, Retries: new(1)}}}, base, 5 * time.Second, 2},
		"longer than can be":             {Config{}, Provider{Service: map[string]string{"timeout": "9223372036854775807", "retries": "9223372036854775807"}}, 1<<31*time.Millisecond - time.Millisecond, 101},
		"nonsense":                       {Config{}, Provider{Service: map[string]string{"timeout": "-5", "retries": "-5", "forks": "x", "hash.nodes": "-1", "weight": "x"}}, time.Second, 3},
		"an operator before all of them": {Config{Timeout: time.Minute, Methods: map[string]MethodConfig{"get": {Timeout: 5 * time.Second}}}, overridden, 700 * time.Millisecond, 6},
	} {
		d := network(t, 1)
		c.config.Log = d.cluster(Config{}).cfg.Log
		got := c.config.settle("get", []*Provider{NewProvider(c.provider)})
		if got.timeout != c.timeout || got.tries != c.tries {
			t.Errorf("%s: timeout %v, %d tries; want %v, %d", name, got.timeout, got.tries, c.timeout, c.tries)
		}
	}
}

func TestNoProviderSaysWhyAndWhatToDo(t *testing.T) {
	t.Parallel()
	d := network(t, 0)
	d.snap.Store(&Snapshot{Err: errors.New("nacos has no application for the interface")})
	cl := d.cluster(Config{})
	_, err := cl.Invoke(t.Context(), call())
	if code, _ := invoker.CodeOf(err); code != invoker.CodeUnavailable || !errors.Is(err, ErrNoProvider) || !strings.Contains(err.Error(), "nacos has no application") {
		t.Errorf("error %v", err)
	}
}

// onlyTag is the simplest router.
type onlyTag struct{ asked *atomic.Int64 }

func (onlyTag) AppendKey(key []byte, inv *invoker.Invocation) []byte {
	return append(key, inv.Attachments.Get("dubbo.tag")...)
}

func (r onlyTag) Route(inv *invoker.Invocation, in []*Provider) []Share {
	r.asked.Add(1)
	var out []*Provider
	for _, p := range in {
		if p.Param("dubbo.tag") == inv.Attachments.Get("dubbo.tag") {
			out = append(out, p)
		}
	}
	return Whole(out)
}

func TestRoutesAreKeptByTheirKeyAndBounded(t *testing.T) {
	t.Parallel()
	d := network(t, 4, map[string]string{"dubbo.tag": "a"}, map[string]string{"dubbo.tag": "b"})
	asked := &atomic.Int64{}
	d.snap.Store(&Snapshot{Providers: d.snap.Load().Providers, Routers: []Router{onlyTag{asked}}})
	cl := d.cluster(Config{})
	tagged := func(tag string) *invoker.Invocation {
		inv := call()
		inv.Attachments.Set("dubbo.tag", tag)
		return inv
	}
	for range 100 {
		for _, tag := range []string{"a", "b"} {
			res, err := cl.Invoke(t.Context(), tagged(tag))
			if err != nil || (res.Value == d.all[0].name || res.Value == d.all[2].name) != (tag == "a") {
				t.Fatalf("%s went to %v: %v", tag, res.Value, err)
			}
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("routed %d times, want 2", n)
	}
	if _, err := cl.Invoke(t.Context(), tagged("c")); !errors.Is(err, ErrNoProvider) || !strings.Contains(err.Error(), `"c"`) {
		t.Errorf("error %v", err)
	}
	for i := range 3 * maxRoutes {
		_, _ = cl.Invoke(t.Context(), tagged(strings.Repeat("x", i)))
	}
	m := cl.method(d.Snapshot(), "get")
	if n := len(*m.routed.Load()); n > maxRoutes {
		t.Errorf("%d routes are kept", n)
	}
}

func TestStickyStays(t *testing.T) {
	t.Parallel()
	d := network(t, 10)
	cl := d.cluster(Config{Sticky: true})
	first, _ := cl.Invoke(t.Context(), call())
	for range 50 {
		if res, err := cl.Invoke(t.Context(), call()); err != nil || res.Value != first.Value {
			t.Fatalf("%v, %v; want %v", res.Value, err, first.Value)
		}
	}
	for _, h := range d.all {
		if h.name == first.Value {
			h.leaving.Store(true)
		}
	}
	second, _ := cl.Invoke(t.Context(), call())
	third, _ := cl.Invoke(t.Context(), call())
	if second.Value == first.Value || third.Value != second.Value {
		t.Errorf("%v, then %v", second.Value, third.Value)
	}
}

func TestConfigNamesEveryFault(t *testing.T) {
	t.Parallel()
	_, err := New(network(t, 0), Config{Cluster: "failsoft", LoadBalance: "best", Methods: map[string]MethodConfig{"get": {Retries: new(-1)}}})
	for _, want := range []string{`"failsoft"`, "failover", `"best"`, "leastactive", "method get", "retries -1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %s", err, want)
		}
	}
}

func TestZoneAwareChoosesAsJavaDoes(t *testing.T) {
	t.Parallel()
	make3 := func(preferred int) (*ZoneAware, []*hosts) {
		var zones []Zone
		var all []*hosts
		for i, name := range []string{"hangzhou", "shanghai", "beijing"} {
			d := network(t, 2)
			all = append(all, d)
			zones = append(zones, Zone{Name: name, Zone: name, Cluster: d.cluster(Config{}), Preferred: i == preferred, Weight: []int{100, 1, 0}[i]})
		}
		z, err := NewZoneAware(zones...)
		if err != nil {
			t.Fatal(err)
		}
		return z, all
	}
	took := func(all []*hosts) (who int) {
		who = -1
		for i, d := range all {
			for _, h := range d.all {
				if h.calls.Swap(0) > 0 {
					who = i
				}
			}
		}
		return who
	}
	down := func(d *hosts) {
		for _, h := range d.all {
			h.leaving.Store(true)
		}
	}
	z, all := make3(1)
	_, _ = z.Invoke(t.Context(), call())
	if n := took(all); n != 1 {
		t.Errorf("went to %d, want the preferred one", n)
	}
	down(all[1])
	zoned := call()
	zoned.Attachments.Set("registry_zone", "beijing")
	_, _ = z.Invoke(t.Context(), zoned)
	if n := took(all); n != 2 {
		t.Errorf("went to %d, want the zone that the call names", n)
	}
	down(all[2])
	_, _ = z.Invoke(t.Context(), zoned)
	if n := took(all); n != 0 {
		t.Errorf("went to %d, want the one that is left", n)
	}
	zoned.Attachments.Set("registry_zone_force", "true")
	if _, err := z.Invoke(t.Context(), zoned); !errors.Is(err, ErrNoProvider) || took(all) != -1 {
		t.Errorf("error %v; want none but that zone", err)
	}
}
