package doctor

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	javaTimeout = time.Second // where neither the consumer nor the provider says anything (Java: DEFAULT_TIMEOUT)
	starts      = 20          // that are looked at
	margin      = 1.5         // of the timeout over the slowest start
)

// timeouts compares how long the consumer waits with how long the slowest of the last cold starts took.
func (x *examination) timeouts(_ context.Context, p *patient) bool {
	x.functions(p)
	for _, a := range p.apps {
		if _, ok := x.front.of(a.name); !ok {
			x.skip(p.name, "no activator tells how long a start of "+a.name+" takes", "timeout")
			continue
		}
		x.timeoutOf(p, a)
	}
	return true
}

// functions says what the activator says of the applications' functions.
func (x *examination) functions(p *patient) {
	for _, a := range p.apps {
		one, ok := x.front.of(a.name)
		switch {
		case !ok:
		case one.Trouble != "":
			f := Finding{Check: "function", State: Bad, Service: p.name, Title: fmt.Sprintf("%s is %s and can't be woken: %s", a.name, one.State, one.Trouble), Mend: "dubbofn deploy ."}
			if x.onThisMachine() {
				f.Mend, f.Restart = "dubbofn run .", "activator"
				f.Why = "what it printed last is in the output of 'dubbofn run'"
			} else {
				f.Why = "'dubbofn logs' shows what it printed last"
			}
			x.add(f)
		case one.Fault != "":
			x.refusedFunction(one)
		case one.Visible != nil && !*one.Visible:
			x.add(Finding{
				Check: "function", State: Warn, Service: p.name, Title: fmt.Sprintf("not every registry of the activator has the stand-in of %s as it is now", a.name),
				Why: "the activator's log says which, and why; it tries again by itself", Mend: x.startActivator(), Restart: "activator",
			})
		default:
			x.add(Finding{Check: "function", State: OK, Service: p.name, Title: fmt.Sprintf("%s is %s", a.name, one.State)})
		}
	}
}

func (x *examination) timeoutOf(p *patient, a *application) {
	var slowest time.Duration
	n := 0
	for _, s := range x.front.starts {
		if s.App == a.name && n < starts {
			n++
			slowest = max(slowest, time.Duration(s.FirstReply)*time.Microsecond)
		}
	}
	waits, whose := x.patience(p, a)
	took := slowest.Round(time.Millisecond)
	f := Finding{Check: "timeout", State: OK, Service: p.name, Title: fmt.Sprintf("the consumer waits %s (%s); the slowest of the last %d cold starts of %s took %s", waits, whose, n, a.name, took)}
	enough := roundUp(time.Duration(float64(slowest) * 2))
	switch {
	case n == 0:
		f.State, f.Title, f.Why = Skipped, "not looked at", fmt.Sprintf("the activator has seen no cold start of %s yet; the consumer waits %s (%s)", a.name, waits, whose)
	case waits <= slowest:
		f.State = Bad
		f.Title = fmt.Sprintf("the consumer waits %s (%s), a cold start of %s took %s", waits, whose, a.name, took)
		f.Why = "a call that wakes the function is given up before it is answered"
	case float64(waits) < margin*float64(slowest):
		f.State, f.Why = Warn, "a slower one is given up"
	}
	if f.State == Bad || f.State == Warn {
		f.Mend, f.Restart = "export DUBBOFN_CALL_TIMEOUT="+enough.String(), "consumer"
		f.Why += fmt.Sprintf("; in Java: -Ddubbo.consumer.timeout=%d. 'dubbofn ledger %s' shows what a start is made of", enough.Milliseconds(), a.name)
	}
	x.add(f)
}

func roundUp(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
}

// patience is how long the consumer waits for its most impatient method: its own setting, what is published, or Java's default.
func (x *examination) patience(p *patient, a *application) (time.Duration, string) {
	if x.cfg.Timeout > 0 {
		return x.cfg.Timeout, "its own setting"
	}
	least, method := time.Duration(0), ""
	for _, id := range p.sorted() {
		s, ok := p.serviceOf(p.revisions[id])
		if !ok || id.app != a.name {
			continue
		}
		for k, v := range s.Params {
			name, is := strings.CutSuffix(k, "timeout")
			ms, err := strconv.Atoi(v)
			if !is || err != nil || ms <= 0 || name != "" && !strings.HasSuffix(name, ".") {
				continue
			}
			if d := time.Duration(ms) * time.Millisecond; least == 0 || d < least || d == least && name < method {
				least, method = d, name
			}
		}
	}
	switch {
	case least == 0:
		return javaTimeout, "Dubbo's default, nothing is published"
	case method == "":
		return least, "what is published"
	}
	return least, "what is published for " + strings.TrimSuffix(method, ".")
}
