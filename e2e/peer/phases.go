package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/invoker/cluster"
)

// phases are the parts of a load, one after the other. Safe for concurrent use.
type phases struct {
	out io.Writer
	mu  sync.Mutex
	all []*phase
}

// phase is what came of the calls that began in it, and of the tries that did.
type phase struct {
	name  string
	start time.Time

	mu     sync.Mutex
	took   []time.Duration
	failed int
	late   int     // calls for which there was no room at their time
	errors []error // the first of them
	tries  map[string]*tally
}

// tally is what was tried at one address.
type tally struct {
	tries, failed int
	first, last   time.Time // when a try began
	answered      bool
}

// firstErrors is how many errors of a phase are kept.
const firstErrors = 5

// begin ends the phase before. It prints "BEGUN name" when it has.
func (p *phases) begin(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, &phase{name: name, start: time.Now(), tries: map[string]*tally{}})
	fmt.Fprintf(p.out, "BEGUN %s\n", name)
}

func (p *phases) current() *phase { return p.at(time.Now()) }

// at gives the phase of a moment.
func (p *phases) at(t time.Time) *phase {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, ph := range slices.Backward(p.all) {
		if !t.Before(ph.start) {
			return ph
		}
	}
	return p.all[0]
}

// tried is told each try. It prints "ANSWERED phase address" at the first that is answered there.
func (p *phases) tried(t cluster.Try) {
	ph := p.at(t.Begin)
	ph.mu.Lock()
	defer ph.mu.Unlock()
	at := ph.tries[t.Address]
	if at == nil {
		at = &tally{first: t.Begin}
		ph.tries[t.Address] = at
	}
	at.tries++
	if t.Begin.Before(at.first) {
		at.first = t.Begin
	}
	if t.Begin.After(at.last) {
		at.last = t.Begin
	}
	switch {
	case t.Err != nil:
		at.failed++
	case !at.answered:
		at.answered = true
		fmt.Fprintf(p.out, "ANSWERED %s %s\n", ph.name, t.Address)
	}
}

func (ph *phase) waits() {
	ph.mu.Lock()
	defer ph.mu.Unlock()
	ph.late++
}

func (ph *phase) ended(took time.Duration, err error) {
	ph.mu.Lock()
	defer ph.mu.Unlock()
	ph.took = append(ph.took, took)
	if err == nil {
		return
	}
	if ph.failed++; len(ph.errors) < firstErrors {
		ph.errors = append(ph.errors, err)
	}
}

// report prints for each phase, all times in ms, of tries since the phase began:
//
//	PHASE name calls N failed N tries N p50 MS p99 MS max MS late N
//	AT name address tries N failed N first MS last MS
//	FAILED name error
func (p *phases) report() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, ph := range p.all {
		ph.report(p.out)
	}
}

func (ph *phase) report(out io.Writer) {
	ph.mu.Lock()
	defer ph.mu.Unlock()
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/1e6) }
	slices.Sort(ph.took)
	at := func(share float64) string {
		if len(ph.took) == 0 {
			return "0"
		}
		return ms(ph.took[min(len(ph.took)-1, int(share*float64(len(ph.took))))])
	}
	tries := 0
	for _, t := range ph.tries {
		tries += t.tries
	}
	fmt.Fprintf(out, "PHASE %s calls %d failed %d tries %d p50 %s p99 %s max %s late %d\n", ph.name, len(ph.took), ph.failed, tries, at(.5), at(.99), at(1), ph.late)
	for _, address := range slices.Sorted(maps.Keys(ph.tries)) {
		t := ph.tries[address]
		fmt.Fprintf(out, "AT %s %s tries %d failed %d first %s last %s\n", ph.name, address, t.tries, t.failed, ms(t.first.Sub(ph.start)), ms(t.last.Sub(ph.start)))
	}
	for _, err := range ph.errors {
		fmt.Fprintf(out, "FAILED %s %v\n", ph.name, err)
	}
}
