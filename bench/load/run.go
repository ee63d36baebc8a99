package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// Plan says what load to make. Every field is needed.
type Plan struct {
	Address     string        // of the provider, on loopback
	Case        string        // one of Names
	Connections int           // 1 to 10000
	InFlight    int           // calls that wait for their answer at any time, over all connections
	WarmUp      time.Duration // load that is not counted
	Measure     time.Duration // load that is counted
	MaxCalls    int           // a connection stops after this many calls, counted or not
	DecodeEvery int           // one reply in so many is decoded in full
	PID         int           // the provider's process, whose CPU time is read; 0 for none
}

// Outcome is what came of a Plan.
type Outcome struct {
	Calls         uint64  `json:"calls"`
	Decoded       uint64  `json:"decoded"` // replies that were decoded in full, warm-up included
	Seconds       float64 `json:"seconds"`
	PerSecond     float64 `json:"per_second"`
	P50           float64 `json:"p50_us"`
	P99           float64 `json:"p99_us"`
	P999          float64 `json:"p999_us"`
	Max           float64 `json:"max_us"`
	ProviderCPU   float64 `json:"provider_cpu_us"` // user and system, a call
	ProviderCores float64 `json:"provider_cores"`
	ClientCores   float64 `json:"client_cores"`
	RequestBytes  int     `json:"request_bytes"` // with the header
	ReplyBytes    int     `json:"reply_bytes"`
}

// Validate reports all that is wrong with p.
func (p Plan) Validate() error {
	var faults []error
	host, _, err := net.SplitHostPort(p.Address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		faults = append(faults, fmt.Errorf("address %q is not a loopback ip:port", p.Address))
	}
	if p.Connections < 1 || p.Connections > 10000 {
		faults = append(faults, fmt.Errorf("%d connections are not in 1 to 10000", p.Connections))
	}
	if p.InFlight < p.Connections || p.InFlight > 65536 {
		faults = append(faults, fmt.Errorf("%d in flight are not in %d (one a connection) to 65536", p.InFlight, p.Connections))
	}
	if p.WarmUp < 0 || p.Measure < 100*time.Millisecond || p.WarmUp+p.Measure > 10*time.Minute {
		faults = append(faults, fmt.Errorf("%v of warm-up and %v of measuring are not in 100ms to 10m", p.WarmUp, p.Measure))
	}
	if p.MaxCalls < 1 || p.DecodeEvery < 1 {
		faults = append(faults, fmt.Errorf("at most %d calls, one in %d decoded: both must be above 0", p.MaxCalls, p.DecodeEvery))
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("check plan: %w", err)
	}
	return nil
}

// Run makes the load and waits for every reply. Any reply that is wrong or missing is an error.
func Run(ctx context.Context, p Plan) (Outcome, error) {
	if err := p.Validate(); err != nil {
		return Outcome{}, err
	}
	c, err := NewCase(p.Case)
	if err != nil {
		return Outcome{}, err
	}
	request, err := c.Request()
	if err != nil {
		return Outcome{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.WarmUp+p.Measure+30*time.Second)
	defer cancel()
	want, err := probe(ctx, p.Address, c, request)
	if err != nil {
		return Outcome{}, err
	}
	loops := make([]*loop, p.Connections)
	for i := range loops {
		inFlight := p.InFlight / p.Connections
		if i < p.InFlight%p.Connections {
			inFlight++
		}
		if loops[i], err = dialLoop(ctx, p, c, request, want, inFlight); err != nil {
			return Outcome{}, err
		}
		defer loops[i].conn.Close()
	}
	outcome, err := drive(ctx, p, loops)
	outcome.RequestBytes, outcome.ReplyBytes = len(request), headerBytes+want.length
	return outcome, err
}

// drive runs the loops, reads the CPU times at both ends of the measured span, and sums up.
func drive(ctx context.Context, p Plan, loops []*loop) (Outcome, error) {
	start := time.Now()
	var running sync.WaitGroup
	errs := make([]error, len(loops))
	for i, l := range loops {
		running.Go(func() { errs[i] = l.run(ctx, start) })
	}
	before, err1 := usageAt(ctx, start.Add(p.WarmUp), p.PID)
	after, err2 := usageAt(ctx, start.Add(p.WarmUp+p.Measure), p.PID)
	running.Wait()
	if err := errors.Join(append(errs, err1, err2)...); err != nil {
		return Outcome{}, err
	}
	all := &Histogram{}
	o := Outcome{Seconds: p.Measure.Seconds()}
	for _, l := range loops {
		all.Merge(&l.histogram)
		o.Decoded += l.decoded
	}
	if all.total == 0 {
		return o, errors.New("drive load: no call ended in the measured span")
	}
	us := func(d time.Duration) float64 { return float64(d) / 1e3 }
	o.Calls = all.total
	o.PerSecond = float64(all.total) / o.Seconds
	o.P50, o.P99, o.P999, o.Max = us(all.Quantile(.5)), us(all.Quantile(.99)), us(all.Quantile(.999)), us(all.max)
	took := after.at.Sub(before.at).Seconds()
	o.ClientCores = (after.own - before.own).Seconds() / took
	o.ProviderCores = (after.peer - before.peer).Seconds() / took
	o.ProviderCPU = o.ProviderCores * 1e6 / o.PerSecond
	return o, nil
}

// usage is the CPU time that was used up to a moment.
type usage struct {
	at        time.Time
	own, peer time.Duration
}

func usageAt(ctx context.Context, at time.Time, pid int) (usage, error) {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return usage{}, ctx.Err()
	case <-timer.C:
	}
	own, err := CPU(os.Getpid())
	if err != nil || pid == 0 {
		return usage{time.Now(), own, 0}, err
	}
	peer, err := CPU(pid)
	return usage{time.Now(), own, peer}, err
}
