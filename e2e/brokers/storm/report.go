package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// effect is one line of the function's.
type effect struct {
	id, key string
	seq     int64
	pid     int
	at      time.Time
}

// inFlight is how long before the end of its process an effect may have been for its event to count as under way: a call takes 15 ms, and what stores that it
// is handled may wait for its turn.
const inFlight = time.Second

func (s *storm) read() ([]effect, error) {
	b, err := os.ReadFile(s.effects())
	if err != nil {
		return nil, err
	}
	var all []effect
	for line := range strings.Lines(string(b)) {
		var e effect
		var nano int64
		if _, err := fmt.Sscanf(line, "%s %s %d %d %d\n", &e.id, &e.key, &e.seq, &e.pid, &nano); err != nil {
			return nil, fmt.Errorf("effects: %q: %w", line, err)
		}
		e.at = time.Unix(0, nano)
		all = append(all, e)
	}
	return all, nil
}

// report counts, and fails where a promise is not kept.
func (s *storm) report(ctx context.Context, took time.Duration) error {
	all, err := s.read()
	if err != nil {
		return err
	}
	dead, err := s.broker.dead(ctx)
	if err != nil {
		return err
	}
	byID, last := map[string][]effect{}, map[string]int64{}
	disorder := 0
	for _, e := range all {
		if len(byID[e.id]) == 0 { // what comes again after a kill is behind what had come
			if before, ok := last[e.key]; ok && e.seq < before {
				disorder++
			}
			last[e.key] = max(last[e.key], e.seq)
		}
		byID[e.id] = append(byID[e.id], e)
	}
	killed := map[int]time.Time{}
	for _, k := range s.kills {
		killed[k.pid] = k.at
	}
	twice, unexplained := 0, 0
	for _, runs := range byID {
		for _, r := range runs[:len(runs)-1] {
			twice++
			if at, ok := killed[r.pid]; !ok || at.Sub(r.at) > inFlight {
				unexplained++
			}
		}
	}
	fmt.Printf("%s: %d events in %d messages, %d kills, %.1f s: %d effects of %d events; %d ran again since their process was killed under them; %d sent twice ran once; %d dead letters of %d poison events; %d out of order by key\n",
		s.kind, s.events, s.sent, len(s.kills), took.Seconds(), len(all), len(byID), twice-unexplained, s.sent-s.events, dead, s.poison, disorder)
	var faults []error
	if missing := s.events - s.poison - len(byID); missing != 0 {
		faults = append(faults, fmt.Errorf("%d events without an effect", missing))
	}
	if unexplained > 0 {
		faults = append(faults, fmt.Errorf("%d events ran again though they were handled", unexplained))
	}
	if dead < int64(s.poison) {
		faults = append(faults, fmt.Errorf("%d dead letters of %d", dead, s.poison))
	}
	if disorder > 0 {
		faults = append(faults, fmt.Errorf("%d events out of order", disorder))
	}
	if len(s.kills) == 0 {
		faults = append(faults, errors.New("nothing was killed"))
	}
	return errors.Join(faults...)
}
