package measure

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync"
	"time"
)

// Outcome is what came of a Plan. The client is the process that makes the calls.
type Outcome struct {
	Calls         uint64  `json:"calls"`
	Checked       uint64  `json:"checked"` // answers that were checked in full, warm-up included
	Seconds       float64 `json:"seconds"`
	PerSecond     float64 `json:"per_second"`
	P50           float64 `json:"p50_us"`
	P99           float64 `json:"p99_us"`
	P999          float64 `json:"p999_us"`
	Max           float64 `json:"max_us"`
	ProviderCPU   float64 `json:"provider_cpu_us"` // user and system, a call
	ProviderCores float64 `json:"provider_cores"`
	ClientCPU     float64 `json:"client_cpu_us"`
	ClientCores   float64 `json:"client_cores"`
	ClientAllocs  float64 `json:"client_allocs,omitempty"`      // a call; Go alone
	ClientBytes   float64 `json:"client_alloc_bytes,omitempty"` // a call; Go alone
	RequestBytes  int     `json:"request_bytes,omitempty"`      // with the header, where the client knows
	ReplyBytes    int     `json:"reply_bytes,omitempty"`
}

// Loop is one of the loops that make the calls: it stops by itself when the plan's time or count is used up.
type Loop interface {
	// Run calls, and notes each call that ends within the counted span.
	Run(ctx context.Context, start time.Time) error
	// Noted gives the times that were noted, and how many answers were checked in full.
	Noted() (times *Histogram, checked uint64)
}

// Drive runs the loops at the same time, reads the CPU times at both ends of the counted span, and sums up. The first loop that fails
// ends all.
func Drive(ctx context.Context, p Plan, loops []Loop) (Outcome, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	start := time.Now()
	var running sync.WaitGroup
	errs := make([]error, len(loops))
	for i, l := range loops {
		running.Go(func() {
			if errs[i] = l.Run(ctx, start); errs[i] != nil {
				cancel(errs[i])
			}
		})
	}
	before, err1 := usageAt(ctx, start.Add(p.WarmUp), p.PID)
	after, err2 := usageAt(ctx, start.Add(p.WarmUp+p.Measure), p.PID)
	running.Wait()
	if err := context.Cause(ctx); err != nil {
		return Outcome{}, err
	}
	if err := errors.Join(err1, err2); err != nil {
		return Outcome{}, err
	}
	all := &Histogram{}
	o := Outcome{Seconds: p.Measure.Seconds()}
	for _, l := range loops {
		times, checked := l.Noted()
		all.Merge(times)
		o.Checked += checked
	}
	if all.total == 0 {
		return o, errors.New("drive calls: none ended in the measured span")
	}
	us := func(d time.Duration) float64 { return float64(d) / 1e3 }
	o.Calls = all.total
	o.PerSecond = float64(all.total) / o.Seconds
	o.P50, o.P99, o.P999, o.Max = us(all.Quantile(.5)), us(all.Quantile(.99)), us(all.Quantile(.999)), us(all.max)
	took := after.at.Sub(before.at).Seconds()
	o.ClientCores = (after.own - before.own).Seconds() / took
	o.ProviderCores = (after.provider - before.provider).Seconds() / took
	o.ClientCPU, o.ProviderCPU = o.ClientCores*1e6/o.PerSecond, o.ProviderCores*1e6/o.PerSecond
	calls := o.PerSecond * took
	o.ClientAllocs, o.ClientBytes = float64(after.mallocs-before.mallocs)/calls, float64(after.allocated-before.allocated)/calls
	return o, nil
}

// usage is what was used up to a moment.
type usage struct {
	at                 time.Time
	own, provider      time.Duration // CPU time
	mallocs, allocated uint64
}

func usageAt(ctx context.Context, at time.Time, pid int) (usage, error) {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return usage{}, ctx.Err()
	case <-timer.C:
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	own, err := CPU(os.Getpid())
	u := usage{at: time.Now(), own: own, mallocs: memory.Mallocs, allocated: memory.TotalAlloc}
	if err == nil && pid != 0 {
		u.provider, err = CPU(pid)
	}
	return u, err
}

// Answer is what a consumer's process prints for each Plan that it reads: an outcome, or why there is none. Before, it prints an empty one
// when it is ready.
type Answer struct {
	Outcome
	Error string `json:"error,omitempty"`
}
