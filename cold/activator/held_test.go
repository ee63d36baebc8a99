package activator

import (
	"testing"
	"testing/synctest"
)

// A knock that is held says only that a process was awake: it must not keep a call that waits from knocking, nor may its end be missed.
func TestAHeldKnockKeepsNoCallFromKnocking(t *testing.T) {
	t.Parallel()
	for name, held := range map[string]int{"one": 1, "as many as there may be": maxKnocks} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				p := newPlatform(t, n, "greet")
				a, _ := activate(t, n, &listed{all: []Function{p.function()}}, nil)
				s := a.sleeper("greet")
				var all []*knock
				s.mu.Lock()
				for range held {
					k := &knock{cancel: func() {}, held: true}
					s.knocks[k] = struct{}{}
					all = append(all, k)
				}
				s.mu.Unlock()
				answered := make(chan struct{})
				c := consume(t, n, "activator:20880")
				go func() {
					defer close(answered)
					mustHello(t, c, "a")
				}()
				synctest.Wait()
				for _, k := range all {
					s.knocked(k, nil)
				}
				<-answered
			})
		})
	}
}
