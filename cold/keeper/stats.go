package keeper

import "sync/atomic"

// counts is what a keeper has done.
type counts struct {
	lent, opened, relayed, late, refused, strangers, forbidden, dials, failures, lost, cut atomic.Int64
}

// Stats is what a keeper holds now, and has done since it was made.
type Stats struct {
	Apps      int   // that have been here
	Borrowers int   // connected
	Targets   int   // that are kept
	Idle      int   // plain connections that can be lent
	Lines     int   // connections that are relayed on
	Watches   int   // things of registries that are followed
	Unread    int64 // bytes of answers that borrowers have not read so far

	Lent      int64 // connections given away
	Opened    int64 // channels
	Relayed   int64 // frames passed on
	Late      int64 // calls whose time went by without an answer
	Refused   int64 // frames, channels and borrowers over a limit
	Strangers int64 // borrowers without proof, or of another user
	Forbidden int64 // targets that an application may not have
	Dials     int64 // attempts to connect
	Failures  int64 // attempts that failed
	Lost      int64 // connections that ended by themselves, or whose provider announced that it is going
	Cut       int64 // borrowers that broke a rule, or did not read
}

// Stats gives the counters.
func (k *Keeper) Stats() Stats {
	c := &k.counts
	s := Stats{
		Lent: c.lent.Load(), Opened: c.opened.Load(), Relayed: c.relayed.Load(), Late: c.late.Load(), Refused: c.refused.Load(),
		Strangers: c.strangers.Load(), Forbidden: c.forbidden.Load(), Dials: c.dials.Load(), Failures: c.failures.Load(), Lost: c.lost.Load(), Cut: c.cut.Load(),
	}
	s.Unread, _ = k.unread()
	k.mu.Lock()
	s.Apps, s.Borrowers = len(k.apps), len(k.peers)
	apps := make([]*app, 0, len(k.apps))
	for _, a := range k.apps {
		apps = append(apps, a)
	}
	k.mu.Unlock()
	for _, a := range apps {
		a.mu.Lock()
		s.Targets += len(a.targets)
		s.Watches += len(a.watches)
		for _, t := range a.targets {
			if t.idle.Load() != nil {
				s.Idle++
			}
			if t.line.Load() != nil {
				s.Lines++
			}
		}
		a.mu.Unlock()
	}
	return s
}
