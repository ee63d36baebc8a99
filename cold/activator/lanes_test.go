package activator

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/internal/earlylane"
	"github.com/dubbofn/dubbofn/invoker"
)

func TestTwoReplicasShareTheLoadAndKnowNothingOfEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		p.lanes = []string{"activator:20881", "second:20881"}
		one, endOne := activate(t, n, &listed{all: []Function{p.function()}}, nil)
		two, _ := activateAs(t, n, "second", &listed{all: []Function{p.function()}}, nil)
		a, b := consume(t, n, "activator:20880"), consume(t, n, "second:20880")
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() { mustHello(t, a, fmt.Sprint("a", i)) })
			all.Go(func() { mustHello(t, b, fmt.Sprint("b", i)) })
		}
		all.Wait()
		for _, x := range []*Activator{one, two} {
			if got := x.starts.list(); len(got) != 1 || got[0].Lane != "early" || got[0].Parked != p.wake.Microseconds() {
				t.Errorf("cold starts: %+v", got)
			}
		}
		if p.starts != 1 {
			t.Errorf("%d processes", p.starts)
		}
		if err := endOne(); err != nil {
			t.Error(err)
		}
		mustHello(t, b, "after")
	})
}

func TestADrainLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		p.lanes = []string{"activator:20881"}
		place, reg := embedded(t, t.TempDir()+"/registry")
		_, end := activate(t, n, &listed{all: []Function{p.function()}}, nil, place)
		c := consume(t, n, "activator:20880")
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() { mustHello(t, c, fmt.Sprint("parked-", i)) })
			all.Go(func() {
				if got, err := callWith(t.Context(), c, invocation("slow", fmt.Sprint("slow-", i), int32(2000))); err != nil || got != fmt.Sprint("slow slow-", i) {
					t.Errorf("slow %d: %q, %v", i, got, err)
				}
			})
		}
		time.Sleep(100 * time.Millisecond) // all are parked
		ended := make(chan error, 1)
		go func() { ended <- end() }()
		time.Sleep(10 * time.Millisecond)
		if got := instances(t, reg, "greet"); len(got) != 0 {
			t.Errorf("still registered: %v", got)
		}
		if c.Available() {
			t.Error("the consumer was not told to turn elsewhere")
		}
		mustHello(t, c, "late comer") // it has not turned away so far
		all.Wait()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		<-c.Done()
	})
}

// Nacos tells consumers of news half a second late. Java 3.3.6 connects to an address that was gone and is back within that time after a minute
// only, since nobody told it that there is anything to connect to.
func TestADrainLastsUntilRegistriesHaveTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		_, end := activate(t, n, &listed{all: []Function{p.function()}}, func(c *Config) { c.Server.Quiet = 0 })
		c := consume(t, n, "activator:20880")
		begin := time.Now()
		if err := end(); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took < time.Second {
			t.Errorf("it took %v, want a second", took)
		}
		<-c.Done()
	})
}

func TestStrangersAtTheEarlyLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		p.revisions = "greet-00001"
		a, _ := activate(t, n, &listed{all: []Function{p.function()}}, nil)
		dial := func() net.Conn {
			nc, err := n.dial(t.Context(), "activator:20881")
			if err != nil {
				t.Fatal(err)
			}
			return nc
		}
		hello := func(app, revision, token string) error {
			nc := dial()
			defer nc.Close()
			o, err := earlylane.Offer(t.Context(), nc, earlylane.Hello{App: app, Revision: revision, Instance: "x"}, token)
			if err == nil {
				err = o.Open(t.Context(), nil)
			}
			return err
		}
		for name, x := range map[string]struct {
			app, revision, token string
			want                 error
		}{
			"another token":            {"greet", "greet-00001", "a guess", earlylane.ErrRefused},
			"another app":              {"other", "greet-00001", token, earlylane.ErrRefused},
			"another Knative revision": {"greet", "greet-00002", token, earlylane.ErrRefused},
			"no Knative revision":      {"greet", "", token, earlylane.ErrRefused},
		} {
			if err := hello(x.app, x.revision, x.token); !errors.Is(err, x.want) {
				t.Errorf("%s: %v, want %v", name, err, x.want)
			}
		}
		nc := dial()
		if _, err := io.WriteString(nc, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"); err == nil {
			_, _ = io.Copy(io.Discard, nc) // it is closed
		}
		_ = nc.Close()
		silent := dial()
		if _, err := io.Copy(io.Discard, silent); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Error(err)
		}
		synctest.Wait()
		if s := a.sleeper("greet"); len(s.lanes) != 0 {
			t.Errorf("%d lanes are open", len(s.lanes))
		}
		if got := a.lanes.strangers.Load(); got != 0 {
			t.Errorf("%d strangers are still counted", got)
		}
		if err := hello("greet", "greet-00001", token); err != nil {
			t.Errorf("a friend: %v", err)
		}
		mustHello(t, consume(t, n, "activator:20880"), "x")
	})
}

func TestTheEarlyLaneHoldsTheLimitsOfItsProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, x := range map[string]struct{ limit, concurrency, want int }{
			"its own":        {3, 0, 3},
			"the platform's": {0, 2, 2},
			"the lower":      {5, 4, 4},
			"the default":    {0, 0, 40},
		} {
			n := newNetwork()
			p := newPlatform(t, n, "greet")
			p.lanes, p.limit, p.notice = []string{"activator:20881"}, x.limit, time.Hour
			f := p.function()
			f.Concurrency = x.concurrency
			_, end := activate(t, n, &listed{all: []Function{f}}, nil)
			c := consume(t, n, "activator:20880")
			var all sync.WaitGroup
			var most, now atomic.Int64
			for i := range 40 {
				all.Go(func() {
					if _, err := callWith(t.Context(), c, invocation("slow", fmt.Sprint(name, i), int32(100))); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			stop := make(chan struct{})
			all.Go(func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(10 * time.Millisecond):
						p.mu.Lock()
						if p.process != nil {
							now.Store(p.process.early.Load())
						}
						p.mu.Unlock()
						most.Store(max(most.Load(), now.Load()))
					}
				}
			})
			time.Sleep(9 * time.Second)
			close(stop)
			all.Wait()
			if got := most.Load(); got != int64(x.want) {
				t.Errorf("%s: %d calls at once, want %d", name, got, x.want)
			}
			_ = c.Close()
			_ = end()
			p.mu.Lock()
			p.process.kill()
			p.mu.Unlock()
			time.Sleep(2 * time.Hour)
		}
	})
}

func TestAKnockIsHeldWhileEarlyLanesHaveCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := alone(t)
		p.lanes = []string{"activator:20881"}
		_, c := p.activate()
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := callWith(t.Context(), c, invocation("slow", "long", int32(5000))); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(p.wake + p.notice + time.Second)
		p.mu.Lock()
		inside := p.inside
		p.mu.Unlock()
		if inside != 1 {
			t.Errorf("%d requests are with the platform while a call runs by the early lane, want the knock", inside)
		}
		mustHello(t, c, "meanwhile")
		all.Wait()
		synctest.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.inside != 0 {
			t.Errorf("%d requests are with the platform after all calls", p.inside)
		}
	})
}

func TestAKnockIsRenewedBeforeItsTimeIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := alone(t)
		p.lanes, p.hold = []string{"activator:20881"}, 10
		_, c := p.activate()
		inv := invocation("slow", "long", int32(60_000))
		inv.Attachments.Set("timeout", "90000")
		done := make(chan struct{})
		go func() {
			defer close(done)
			if _, err := callWith(t.Context(), c, inv); err != nil {
				t.Error(err)
			}
		}()
		for at := 2 * time.Second; at < 60*time.Second; at += time.Second {
			time.Sleep(time.Second)
			p.mu.Lock()
			if p.inside != 1 {
				t.Errorf("after %v %d requests are with the platform, want one knock", at, p.inside)
			}
			p.mu.Unlock()
		}
		<-done
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.knocks < 6 {
			t.Errorf("%d knocks", p.knocks)
		}
	})
}

func TestARollOutChangesTheStandInInPlaceAndRetiresOldLanes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		p.revisions, p.lanes = "greet-00001", []string{"activator:20881"}
		place, reg := embedded(t, t.TempDir()+"/registry")
		src := &listed{all: []Function{p.function()}}
		a, _ := activate(t, n, src, nil, place)
		first := revisionOf(t, p)
		if got := instances(t, reg, "greet"); len(got) != 1 || got[0].Revision() != first || got[0].Address() != "127.0.0.1:20880" {
			t.Fatalf("registered: %+v", got)
		}
		c := consume(t, n, "activator:20880")
		mustHello(t, c, "old")
		seen := watchInstances(t, reg, "greet")
		p.offer("added")
		p.mu.Lock()
		p.revisions = "greet-00002"
		p.mu.Unlock()
		src.set(p.function())
		until(t, "the stand-in shows the new revision", func() bool {
			got := instances(t, reg, "greet")
			return len(got) == 1 && got[0].Revision() == revisionOf(t, p)
		})
		if revisionOf(t, p) == first {
			t.Error("the manifest is the same")
		}
		s := a.sleeper("greet")
		s.mu.Lock()
		for l := range s.lanes {
			if !l.spent {
				t.Error("a lane of the old Knative revision gets calls")
			}
		}
		s.mu.Unlock()
		mustHello(t, c, "new")
		if m, err := metadataOf(t, reg, "greet", revisionOf(t, p)); err != nil || len(m.Services) != 1 {
			t.Errorf("metadata: %+v, %v", m, err)
		}
		if n := seen(); n != 1 {
			t.Errorf("consumers saw %d instances at least, want 1 throughout", n)
		}
		src.set() // it is deleted
		until(t, "the stand-in is gone", func() bool { return len(instances(t, reg, "greet")) == 0 })
		_, err := callWith(t.Context(), c, invocation("hello", "gone"))
		if code, _ := codeOf(err); code != invoker.CodeNotFound {
			t.Errorf("a function that is gone: %v", err)
		}
	})
}

func TestASnapshotOfOneProcessGreetsTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := alone(t)
		p.lanes, p.snapshot = []string{"activator:20881"}, "what I know"
		_, c := p.activate()
		mustHello(t, c, "one")
		if got := p.process.greeted; got != "" {
			t.Errorf("the first process was greeted with %q", got)
		}
		time.Sleep(5 * time.Second)
		p.stop()
		mustHello(t, c, "two")
		if got := p.process.greeted; got != "what I know" {
			t.Errorf("the second process was greeted with %q", got)
		}
	})
}

func TestALaneHelpsAReplicaThatHasSeenEarlierWakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		p.lanes = []string{"other:20881", "activator:20881"}
		activateAs(t, n, "other", &listed{all: []Function{p.function()}}, nil)
		activate(t, n, &listed{all: []Function{p.function()}}, nil)
		here, there := consume(t, n, "activator:20880"), consume(t, n, "other:20880")
		mustHello(t, here, "first")
		time.Sleep(time.Minute)
		p.stop()
		mustHello(t, there, "the other replica's wake")
		begin := time.Now()
		mustHello(t, here, "meanwhile")
		if took := time.Since(begin); took != 0 {
			t.Errorf("the call took %v, with a lane at hand", took)
		}
		time.Sleep(time.Second)
	})
}

func TestALaneIsForTheWakeThatItWasDialledFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after  time.Duration // another replica's wake
		byLane int64
	}{
		"before the platform has noticed":        {300 * time.Millisecond, 1},
		"long after, the process may be leaving": {time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				p := newPlatform(t, n, "greet")
				p.lanes = []string{"other:20881", "activator:20881"}
				activateAs(t, n, "other", &listed{all: []Function{p.function()}}, nil)
				activate(t, n, &listed{all: []Function{p.function()}}, nil)
				mustHello(t, consume(t, n, "other:20880"), "first")
				time.Sleep(c.after)
				mustHello(t, consume(t, n, "activator:20880"), "second")
				time.Sleep(time.Second) // the knock gets there
				p.mu.Lock()
				defer p.mu.Unlock()
				if got := p.process.served.Load(); got != 1+c.byLane || p.knocks != 2 {
					t.Errorf("%d calls by early lanes, want %d; %d knocks, want one by each replica", got, 1+c.byLane, p.knocks)
				}
			})
		})
	}
}

func TestADrainThatRunsOutOfTimeLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPlatform(t, n, "greet")
		p.wake = 5 * time.Minute
		_, end := activate(t, n, &listed{all: []Function{p.function()}}, func(c *Config) { c.Drain = time.Second })
		c := consume(t, n, "activator:20880")
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				if _, err := callWith(t.Context(), c, invocation("hello", fmt.Sprint(i))); err == nil {
					t.Error("an answer came")
				}
			})
			inv := invocation("hello", fmt.Sprint("told-", i))
			inv.OneWay = true
			if _, err := c.Invoke(t.Context(), inv); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(100 * time.Millisecond)
		begin := time.Now()
		if err := end(); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("it took %v", took)
		}
		all.Wait()
	})
}
