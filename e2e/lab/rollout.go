package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// How long a Knative revision that never gets ready is looked at under calls, and how soon one that does must be what consumers are told of.
const (
	badFor     = 40 * time.Second
	goodWithin = 90 * time.Second
	zeroWithin = 2 * time.Minute
)

// rollOut is consumers that call while Knative revisions come that never get ready, and at last one that does.
type rollOut struct {
	*scale
	checks
}

func measureRollOut(ctx context.Context, s *settings) error {
	x, end, err := newScale(ctx, s)
	if err != nil {
		return err
	}
	defer end()
	r := &rollOut{scale: x}
	x.start = time.Now()
	fmt.Printf("%6s %6s %6s %7s %9s  %s\n", "s", "ok", "failed", "slowest", "answered", "live pods by Knative revision")
	if err := x.pace(x.rate); err != nil {
		return err
	}
	if err := r.watch(ctx, 10*time.Second, nil); err != nil {
		return err
	}
	shown, err := r.registered(ctx)
	if err != nil {
		return err
	}
	r.check(len(shown) == 1, "consumers are told of one revision: %v", shown)
	sound := r.revisions()
	r.check(len(sound) == 1, "Knative revisions with pods: %v (one)", sound)
	for n, command := range s.bad {
		if err := r.bad(ctx, command, shown, n == len(s.bad)-1); err != nil {
			return err
		}
	}
	if err := r.good(ctx, shown); err != nil {
		return err
	}
	if err := x.pace(0); err != nil {
		return err
	}
	return r.report(sound)
}

// watch shows what happens for a while, second by second; each may end it.
func (r *rollOut) watch(ctx context.Context, long time.Duration, each func() (done bool, err error)) error {
	for end := time.Now().Add(long); time.Now().Before(end); {
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		_, by := r.pods.live()
		r.show(time.Since(r.scale.start), by)
		if each == nil {
			continue
		}
		if done, err := each(); done || err != nil {
			return err
		}
	}
	return nil
}

func (r *rollOut) apply(ctx context.Context, command string) error {
	fmt.Println("       a new Knative revision:", command)
	c := exec.CommandContext(ctx, command)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("roll-out: %w", err)
	}
	return nil
}

// bad brings a Knative revision that never gets ready: consumers are told of what they were told of before, without a gap. last: and then what was there wakes from zero beside it.
func (r *rollOut) bad(ctx context.Context, command string, shown []string, last bool) error {
	before := r.revisions()
	if err := r.apply(ctx, command); err != nil {
		return err
	}
	moved := map[string]bool{}
	err := r.watch(ctx, badFor, func() (bool, error) {
		now, err := r.registered(ctx)
		if !slices.Equal(now, shown) {
			moved[fmt.Sprint(now)] = true
		}
		return false, err
	})
	if err != nil {
		return err
	}
	r.check(len(moved) == 0, "what consumers are told of while it does not get ready: %v%s", shown, strings.Join(append([]string{""}, slices.Sorted(maps.Keys(moved))...), ", also "))
	var fresh []string
	for _, k := range r.revisions() {
		if !slices.Contains(before, k) {
			fresh = append(fresh, k)
		}
	}
	r.check(len(fresh) == 1 && !r.wasReady(fresh[0]), "its pods were made and none got ready: %v", fresh)
	if !last {
		return nil
	}
	fmt.Println("       no calls until the Knative revision that has the traffic has no pod")
	if err := r.pace(0); err != nil {
		return err
	}
	asleep := false
	err = r.watch(ctx, zeroWithin, func() (bool, error) {
		_, by := r.pods.live()
		asleep = by[before[0]] == 0
		return asleep, nil
	})
	if err != nil {
		return err
	}
	r.check(asleep, "it went to zero beside one that never gets ready")
	for _, c := range r.consumers {
		a, err := c.call("wake")
		if err != nil {
			return err
		}
		r.check(a.err == nil, "%s: a call wakes it again, %s: by %q %v", c.name, ms(a.took), a.by, a.err)
	}
	return r.pace(r.rate)
}

// good brings one that gets ready: consumers are told of it soon, and it answers.
func (r *rollOut) good(ctx context.Context, shown []string) error {
	if err := r.apply(ctx, r.settings.rollout); err != nil {
		return err
	}
	begin := time.Now()
	var now []string
	err := r.watch(ctx, goodWithin, func() (bool, error) {
		var err error
		now, err = r.registered(ctx)
		return len(now) == 1 && !slices.Equal(now, shown), err
	})
	if err != nil {
		return err
	}
	r.check(len(now) == 1 && !slices.Equal(now, shown), "consumers are told of the one that does get ready after %.0f s: %v", time.Since(begin).Seconds(), now)
	return r.watch(ctx, 15*time.Second, nil)
}

// registered gives the revisions of the function's metadata that Nacos shows consumers.
func (r *rollOut) registered(ctx context.Context) ([]string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.nacos+"/nacos/v1/ns/instance/list?serviceName="+url.QueryEscape(r.service), http.NoBody)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var list struct {
		Hosts []struct{ Metadata map[string]string }
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&list); err != nil {
		return nil, fmt.Errorf("ask Nacos for %s: %w", r.service, err)
	}
	if len(list.Hosts) == 0 {
		return nil, errors.New("Nacos shows consumers no instance of " + r.service)
	}
	all := map[string]bool{}
	for _, h := range list.Hosts {
		all[h.Metadata["dubbo.metadata.revision"]] = true
	}
	return slices.Sorted(maps.Keys(all)), nil
}

// revisions are the Knative revisions of which there were pods, in their order.
func (r *rollOut) revisions() []string {
	r.pods.mu.Lock()
	defer r.pods.mu.Unlock()
	all := map[string]bool{}
	for _, p := range r.pods.seen {
		all[p.revision] = true
	}
	return slices.Sorted(maps.Keys(all))
}

func (r *rollOut) wasReady(revision string) bool {
	r.pods.mu.Lock()
	defer r.pods.mu.Unlock()
	for _, p := range r.pods.seen {
		if p.revision == revision && !p.ready.IsZero() {
			return true
		}
	}
	return false
}

func (r *rollOut) report(sound []string) error {
	for _, consumer := range r.consumers {
		_, total, err := consumer.stop()
		r.check(err == nil && strings.HasSuffix(total, " 0 failed"), "%s: %s", consumer.name, total)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, why := range slices.Sorted(maps.Keys(r.failures)) {
		fmt.Printf("  %d × %s\n", r.failures[why], why)
	}
	fmt.Printf("       %v had the calls first; answers from %d pods\n", sound, len(r.last))
	return r.err()
}
