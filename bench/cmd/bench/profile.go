package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/pprof/profile"

	"github.com/dubbofn/dubbofn/bench/report"
)

// layers tell what a sample was spent on: the first whose prefix a frame has, going from the leaf outwards. What the codec
// allocates is the codec's. Stacks of nobody's are the scheduler's: those that begin at mcall or in its loop.
var layers = []struct{ name, prefix string }{
	{"codec", "github.com/dubbofn/dubbofn/internal/hessian"},
	{"codec", "github.com/apache/dubbo-go-hessian2"},
	{"collector", "runtime.gcBgMarkWorker"},
	{"collector", "runtime.bgsweep"},
	{"collector", "runtime.bgscavenge"},
	{"system calls", "internal/runtime/syscall"},
	{"system calls", "syscall."},
	{"fn", "github.com/dubbofn/dubbofn/fn."},
	{"client", "github.com/dubbofn/dubbofn/client."},
	{"protection", "github.com/dubbofn/dubbofn/invoker/protect"},
	{"cluster", "github.com/dubbofn/dubbofn/invoker/cluster"},
	{"wire", "github.com/dubbofn/dubbofn/invoker"},
	{"wire", "github.com/apache/dubbo-getty"},
	{"framework", "dubbo.apache.org/dubbo-go"},
}

// profiles takes a CPU profile of every Go framework under each case, in the shape of c. It comes after the rounds and disturbs none.
func (b *bench) profiles(ctx context.Context, cases []string, c cell) error {
	for _, r := range b.runners {
		if b.settings.profile <= 0 || r.process == nil || r.process.Pprof == "" || r.name == "limit-goroutine" {
			continue
		}
		for _, name := range cases {
			c.name = name
			progress("%s: profile %s for %v", c, r.name, b.settings.profile)
			share, err := b.profile(ctx, r, c)
			if err != nil {
				return err
			}
			b.part.Shares = append(b.part.Shares, share)
		}
	}
	return nil
}

func (b *bench) profile(ctx context.Context, r runner, c cell) (report.Share, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	loaded := make(chan error, 1)
	go func() {
		_, err := r.run(ctx, c, b.plan(c, b.settings.roundWarmUp, b.settings.profile+2*time.Second))
		loaded <- err
	}()
	timer := time.NewTimer(b.settings.roundWarmUp + 500*time.Millisecond)
	defer timer.Stop()
	select {
	case err := <-loaded:
		return report.Share{}, fmt.Errorf("profile %s: the load ended early: %w", r.name, err)
	case <-timer.C:
	}
	taken, err := fetchProfile(ctx, r.process.Pprof, b.settings.profile)
	if err != nil {
		return report.Share{}, fmt.Errorf("profile %s: %w", r.name, err)
	}
	name := "profile-" + r.name
	if c.provider != "" {
		name = "profile-consumer-" + r.name + "-" + c.provider
	}
	if err := keepProfile(taken, filepath.Join(b.machine.Root, "out", name+"-"+c.name+".pb.gz")); err != nil {
		return report.Share{}, err
	}
	share := shareOf(taken)
	share.Peer, share.Case = r.name, c.String()
	return share, <-loaded
}

func fetchProfile(ctx context.Context, address string, d time.Duration) (*profile.Profile, error) {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", address, max(1, int(d.Seconds())))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("pprof answers %s", response.Status)
	}
	return profile.Parse(response.Body)
}

// keepProfile leaves a profile for go tool pprof.
func keepProfile(p *profile.Profile, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("keep profile: %w", err)
	}
	return errors.Join(p.Write(f), f.Close())
}

// shareOf sums a CPU profile up by layer and by leaf function.
func shareOf(p *profile.Profile) report.Share {
	byLayer, byFunction := map[string]float64{}, map[string]float64{}
	total := 0.0
	for _, s := range p.Sample {
		nanoseconds := float64(s.Value[len(s.Value)-1])
		total += nanoseconds
		stack := functions(s)
		byLayer[layerOf(stack)] += nanoseconds
		if len(stack) > 0 {
			byFunction[stack[0]] += nanoseconds
		}
	}
	tops := largest(byFunction, total)
	return report.Share{Seconds: total / 1e9, Pieces: largest(byLayer, total), Tops: tops[:min(12, len(tops))]}
}

// functions are a sample's, from the leaf outwards.
func functions(s *profile.Sample) (names []string) {
	for _, l := range s.Location {
		for _, line := range l.Line {
			if line.Function != nil {
				names = append(names, line.Function.Name)
			}
		}
	}
	return names
}

func layerOf(stack []string) string {
	for _, f := range stack {
		for _, l := range layers {
			if strings.HasPrefix(f, l.prefix) {
				return l.name
			}
		}
	}
	if len(stack) > 0 && slices.Contains([]string{"runtime.mcall", "runtime.mstart", "runtime.goexit", "runtime.morestack"}, stack[len(stack)-1]) {
		return "scheduler"
	}
	return "other"
}

func largest(by map[string]float64, total float64) (parts []report.Piece) {
	for name, v := range by {
		parts = append(parts, report.Piece{Name: name, Share: v / max(total, 1)})
	}
	slices.SortFunc(parts, func(a, b report.Piece) int {
		if a.Share != b.Share {
			if a.Share > b.Share {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return parts
}
