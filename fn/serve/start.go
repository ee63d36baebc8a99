package serve

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/cold"
)

const (
	// snapshotMaxAge is how old a snapshot may be: what it says of addresses is a hint that costs an attempt to connect each.
	snapshotMaxAge = 7 * 24 * time.Hour
	// sectionUsed is the snapshot's own: the targets that the last process used, a line each.
	sectionUsed = "used"
	maxUsed     = 64
)

// instanceName names this process among those of its application: as the host (on Kubernetes, the pod), and by its number where there may be more
// of them on one host.
func instanceName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	if pid := os.Getpid(); pid != 1 {
		host += "-" + strconv.Itoa(pid)
	}
	return host
}

// warmUp is what readiness may wait for: what the last process left is handed to the parts that call other services, and they connect to
// what the first call needs. It returns when what must be there is, or its time is spent. What it began goes on until the returned end is called.
func (f *function) warmUp(ctx context.Context) (end func(), err error) {
	if len(f.parts.outbound) == 0 {
		return func() {}, nil
	}
	begun := time.Now()
	declared := cold.Warm(ctx, f.config.targets, f.warmOne, cold.WarmConfig{Budget: f.config.WarmBudget})
	learned := cold.Warm(ctx, f.learned(f.restore(ctx)), f.warmOne, cold.WarmConfig{Budget: max(f.config.WarmBudget-time.Since(begun), 1)})
	end = func() {
		declared.Close()
		learned.Close()
	}
	missing := declared.Wanted(ctx)
	maps.Copy(missing, learned.Wanted(ctx))
	if len(missing) > 0 && ctx.Err() == nil {
		names := strings.Join(slices.Sorted(maps.Keys(missing)), ", ")
		f.ready.set("warming up: " + names)
		f.log.Warn("not everything is warm", "missing", names, "error", why(missing), "budget", f.config.WarmBudget)
	}
	return end, declared.Required(ctx)
}

// checkWarm refuses targets that nobody could warm.
func checkWarm(c Config, a *assembly) error {
	if len(c.targets) == 0 || len(a.outbound) > 0 {
		return nil
	}
	return fmt.Errorf("DUBBOFN_WARM=%q: this program has no part that calls other services; hand it over, e.g. serve.Main(…, client)", strings.Join(c.Warm, ","))
}

// why joins the reasons, in the order of the names.
func why(missing map[string]error) error {
	var all []error
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		all = append(all, fmt.Errorf("%s: %w", name, missing[name]))
	}
	return errors.Join(all...)
}

// warmOne has a target warmed by whichever part can.
func (f *function) warmOne(ctx context.Context, target string) error {
	var all []error
	for _, p := range f.parts.outbound {
		err := p.Warm(ctx, target)
		if err == nil {
			return nil
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}

// restore hands the parts what was left, and gives the targets that the last process used.
func (f *function) restore(ctx context.Context) (used []string) {
	end := f.ledger.Begin(cold.PhaseSnapshot)
	s, found := f.kept(ctx)
	if found {
		end()
	}
	sections := map[string]map[string][]byte{}
	for name, content := range s.Sections {
		if part, section, ok := strings.Cut(name, "/"); ok {
			if sections[part] == nil {
				sections[part] = map[string][]byte{}
			}
			sections[part][section] = content
		}
	}
	for i, p := range f.parts.outbound {
		p.Restore(sections[f.parts.sectionOf(i)], f.ledger)
	}
	for line := range strings.Lines(string(s.Sections[sectionUsed])) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && len(line) <= maxTargetName && len(used) < maxUsed {
			used = append(used, line)
		}
	}
	return used
}

// kept gives the snapshot: the file's, else the first that an activator greets with, while readiness waits anyway.
func (f *function) kept(ctx context.Context) (cold.Snapshot, bool) {
	if f.config.Snapshot != "" {
		s, err := cold.ReadSnapshot(f.config.Snapshot, f.config.App, snapshotMaxAge)
		if err == nil {
			return s, true
		}
		if !errors.Is(err, os.ErrNotExist) { // as before the first end
			f.log.Warn("starting without the snapshot", "error", err)
		}
	}
	if f.early == nil {
		return cold.Snapshot{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, f.config.WarmBudget)
	defer cancel()
	var b []byte
	select {
	case b = <-f.early.snapshot:
	case <-ctx.Done():
		return cold.Snapshot{}, false
	case <-f.early.asked:
		select {
		case b = <-f.early.snapshot:
		default:
			return cold.Snapshot{}, false
		}
	}
	s, err := cold.DecodeSnapshot(b, f.config.App, snapshotMaxAge)
	if err != nil {
		f.log.Warn("starting without the activator's snapshot", "error", err)
	}
	return s, err == nil
}

// learned gives as targets what the last process used and nobody declared.
func (f *function) learned(used []string) (all []cold.WarmTarget) {
	for _, name := range used {
		if !slices.ContainsFunc(f.config.targets, func(t cold.WarmTarget) bool { return t.Name == name }) {
			all = append(all, cold.WarmTarget{Name: name})
		}
	}
	return all
}

// snapshot gives what the next process should know.
func (f *function) snapshot() cold.Snapshot {
	s := cold.Snapshot{Owner: f.config.App, Made: time.Now(), Sections: map[string][]byte{}}
	var used []string
	for i, p := range f.parts.outbound {
		sections, targets := p.Save()
		for name, content := range sections {
			s.Sections[f.parts.sectionOf(i)+"/"+name] = content
		}
		used = append(used, targets...)
	}
	slices.Sort(used)
	used = slices.DeleteFunc(slices.Compact(used), func(t string) bool { return t == "" || len(t) > maxTargetName || strings.Contains(t, "\n") })
	s.Sections[sectionUsed] = []byte(strings.Join(used[:min(len(used), maxUsed)], "\n"))
	return s
}

// save writes the snapshot down at the end.
func (f *function) save() {
	if f.config.Snapshot == "" || len(f.parts.outbound) == 0 {
		return
	}
	if err := f.snapshot().WriteFile(f.config.Snapshot); err != nil {
		f.log.Warn("the next process starts without a snapshot", "error", err)
	}
}

// giveSnapshot is for the activator, which greets the next process with it. It may hold tickets of TLS sessions, so it takes a token.
func (f *function) giveSnapshot(w http.ResponseWriter) {
	if f.config.Token == "" {
		w.Header().Set(headerRefused, "token")
		http.Error(w, "no token is configured: set DUBBOFN_TOKEN", http.StatusUnauthorized)
		return
	}
	if len(f.parts.outbound) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	b, err := f.snapshot().Encode()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(b) // the activator is gone: there is nobody to tell
}

// first marks the first call and its reply, which complete the ledger.
func (f *function) first(arrived time.Time) {
	f.ledger.Mark(cold.PhaseFrame, arrived, arrived)
	f.ledger.Mark(cold.PhaseReply, arrived, time.Now())
}

// giveWay is how long a start waits for whoever was connected before it listened: a consumer that tries again and again, with one call.
const giveWay = 2 * time.Millisecond

// settle closes f.settled once the first call has been answered, or none came. Whatever the first reply does not need comes after that: where there is one core it would
// come before the reply otherwise, and cost it a third of its time. On the early lane nobody calls before the function is ready.
func (f *function) settle(ctx context.Context, settled func()) {
	defer close(f.settled)
	if f.dubbo != nil && f.early == nil {
		t := time.NewTimer(giveWay)
		defer t.Stop()
		select {
		case <-f.ledger.Done():
			runtime.Gosched() // who writes the reply is about to
		case <-t.C:
		case <-ctx.Done():
		}
	}
	settled()
}

// tell logs the ledger once it is complete.
func (f *function) tell(ctx context.Context) {
	select {
	case <-f.ledger.Done():
		<-f.settled
		f.log.Info("cold start", "ledger", f.ledger)
	case <-ctx.Done():
		select {
		case <-f.ledger.Done(): // at the same time
			f.log.Info("cold start", "ledger", f.ledger)
		default:
		}
	}
}

// ledgerJSON is for whoever asks.
func (f *function) ledgerJSON() string {
	b, err := f.ledger.MarshalJSON()
	if err != nil {
		return "" // a clock beyond the year 9999
	}
	return string(b)
}
