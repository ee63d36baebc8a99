package activator

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	sampleEvery = time.Second
	// keptSamples is how many seconds are remembered of a function; those in which nothing was there count for none.
	keptSamples = 300
	// sampledLast is how much is told to who names no time.
	sampledLast = time.Minute
)

// sample is a second of one function, as /api/samples shows it.
type sample struct {
	At        int64  `json:"t"`      // its end, Unix milliseconds
	Calls     uint32 `json:"calls"`  // that ended in it
	Errors    uint32 `json:"errors"` // of those: exceptions, statuses that are not OK, refused, left by their consumer
	P50       uint32 `json:"p50_us"` // from a call's arrival to its answer, to an eighth
	P99       uint32 `json:"p99_us"`
	Parked    int    `json:"parked"` // at once, at most
	With      int    `json:"with"`   // calls that are with the function
	Lanes     int    `json:"lanes"`
	Instances int    `json:"instances"` // processes that dialled, or answered in the last 10 s
	Wakes     uint32 `json:"wakes"`
}

func (x *sample) idle() bool {
	return x.Calls == 0 && x.Parked == 0 && x.With == 0 && x.Lanes == 0 && x.Instances == 0 && x.Wakes == 0
}

// samples are the last seconds of one function. Safe for concurrent use.
type samples struct{ ring ring[sample] }

func (r *samples) add(x sample) { r.ring.add(x, keptSamples) }

// since gives those after a time, the oldest first.
func (r *samples) since(t int64) []sample {
	return slices.DeleteFunc(r.ring.all(), func(x sample) bool { return x.At <= t })
}

// sample takes one of every function each second, until ctx ends.
func (a *Activator) sample(ctx context.Context) {
	every := time.NewTicker(sampleEvery)
	defer every.Stop()
	for {
		select {
		case now := <-every.C:
			for _, s := range *a.served.Load() {
				s.sample(now)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (s *sleeper) sample(now time.Time) {
	here := s.ended.here.Swap(0)
	s.mu.Lock()
	t := &s.tally
	t.forget(now)
	x := sample{
		At: now.UnixMilli(), Calls: t.calls + here, Errors: t.failed + here, Parked: max(t.most, s.parked.n), With: s.posting + s.early, Lanes: len(s.lanes),
		Instances: s.instances(), Wakes: t.wakes,
	}
	var latency histogram
	if t.calls > 0 {
		latency, t.latency = t.latency, histogram{}
	}
	t.calls, t.failed, t.wakes, t.most = 0, 0, 0, s.parked.n
	s.mu.Unlock()
	if x.idle() {
		return
	}
	x.P50, x.P99 = latency.quantile(.5), latency.quantile(.99)
	s.samples.add(x)
}

// instances counts the processes that are known here. It is called with the lock held.
func (s *sleeper) instances() int {
	known := make(map[string]struct{}, len(s.lanes)+len(s.tally.heard))
	for l := range s.lanes {
		known[l.instance] = struct{}{}
	}
	for _, h := range s.tally.heard {
		known[h.instance] = struct{}{}
	}
	return len(known)
}

// sampled is what /api/samples shows.
type sampled struct {
	Now       int64               `json:"now"`      // Unix milliseconds: what the next request names as its since
	Every     int64               `json:"every_ms"` // a second in which a function did nothing, and was nowhere, has no sample
	Kept      int                 `json:"kept"`     // samples of a function, at most
	Functions map[string][]sample `json:"functions"`
}

// samplesSince answers /api/samples?since=MILLISECONDS&app=NAME.
func (a *Activator) samplesSince(w http.ResponseWriter, req *http.Request) {
	now := time.Now()
	since := now.Add(-sampledLast).UnixMilli()
	if text := req.FormValue("since"); text != "" {
		var err error
		if since, err = strconv.ParseInt(text, 10, 64); err != nil {
			http.Error(w, "since: want Unix milliseconds", http.StatusBadRequest)
			return
		}
	}
	all := sampled{Now: now.UnixMilli(), Every: sampleEvery.Milliseconds(), Kept: keptSamples, Functions: map[string][]sample{}}
	app := req.FormValue("app")
	for _, s := range a.sleepers() {
		if app == "" || app == s.name {
			all.Functions[s.name] = s.samples.since(since)
		}
	}
	writeJSON(w, all)
}
