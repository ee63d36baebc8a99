package report

import "slices"

// Part is what one measurement left: figures of peers in cases, by rounds, and what they depend on.
type Part struct {
	Name         string        `json:"name"`  // "providers"
	Title        string        `json:"title"` // for people
	Bar          string        `json:"bar"`   // the peer that the others are compared with; where the cases grow, each is compared with the first
	Grows        bool          `json:"grows,omitempty"`
	Compared     []string      `json:"compared"` // the figures that are
	Conditions   Conditions    `json:"conditions"`
	Measurements []Measurement `json:"measurements"`
	Shares       []Share       `json:"shares,omitempty"`
}

// Measurement is one figure of one peer in one case, by rounds.
type Measurement struct {
	Case   string    `json:"case"`   // "user, 16 connections, 64 in flight"
	Peer   string    `json:"peer"`   // "dubbofn"
	Figure string    `json:"figure"` // "calls/s"
	Values []float64 `json:"values"`
}

// Add notes a figure of the next round.
func (p *Part) Add(c, peer, figure string, value float64) {
	for i := range p.Measurements {
		if m := &p.Measurements[i]; m.Case == c && m.Peer == peer && m.Figure == figure {
			m.Values = append(m.Values, value)
			return
		}
	}
	p.Measurements = append(p.Measurements, Measurement{c, peer, figure, []float64{value}})
}

// Of gives a figure by rounds; nil where there is none.
func (p *Part) Of(c, peer, figure string) []float64 {
	for _, m := range p.Measurements {
		if m.Case == c && m.Peer == peer && m.Figure == figure {
			return m.Values
		}
	}
	return nil
}

// Cases are those that were measured, in order.
func (p *Part) Cases() []string {
	return p.distinct(func(m Measurement) (string, bool) { return m.Case, true })
}

// Peers are those that were measured in any of some cases, in order.
func (p *Part) Peers(cases ...string) []string {
	return p.distinct(func(m Measurement) (string, bool) { return m.Peer, slices.Contains(cases, m.Case) })
}

// figures are those that a case has of any peer and that are not 0 throughout, in order.
func (p *Part) figures(c string) []string {
	return p.distinct(func(m Measurement) (string, bool) { return m.Figure, m.Case == c && slices.Max(m.Values) != 0 })
}

func (p *Part) distinct(of func(Measurement) (string, bool)) (all []string) {
	for _, m := range p.Measurements {
		if s, ok := of(m); ok && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// Join joins two figures round by round, as many as both have.
func Join(a, b []float64, by func(a, b float64) float64) (all []float64) {
	for i := range min(len(a), len(b)) {
		all = append(all, by(a[i], b[i]))
	}
	return all
}

// Ratio is for [Join].
func Ratio(a, b float64) float64 { return a / b }

// Difference is for [Join].
func Difference(a, b float64) float64 { return a - b }
