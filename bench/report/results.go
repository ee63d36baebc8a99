// Package report is what comes of a run: the figures as JSON, a table, and a chart that is drawn from the JSON.
package report

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/dubbofn/dubbofn/bench/service/measure"
)

// Results is the content of out/results.json and out/outbound.json.
type Results struct {
	Outbound   bool       `json:"outbound,omitempty"` // consumers are compared, not providers
	Conditions Conditions `json:"conditions"`
	Runs       []Run      `json:"runs"`
	Memory     []Memory   `json:"memory"`
	Shares     []Share    `json:"shares,omitempty"`
}

// Conditions say what a figure depends on beside the programs.
type Conditions struct {
	Started    string   `json:"started"`
	CPU        string   `json:"cpu"`
	Cores      int      `json:"cores"`
	Kernel     string   `json:"kernel"`
	Go         string   `json:"go"`
	Java       string   `json:"java"`
	Commit     string   `json:"commit"`
	Pinning    string   `json:"pinning"`
	GOGC       string   `json:"gogc"`
	LoadBefore string   `json:"load_before"`
	LoadAfter  string   `json:"load_after"`
	Rounds     int      `json:"rounds"`
	WarmUp     string   `json:"warm_up"`
	Measure    string   `json:"measure"`
	CheckEvery int      `json:"check_every"`
	Peers      []string `json:"peers"` // "name: what it is", in the order of tables
}

// Run is one round of one peer in a cell.
type Run struct {
	Peer string `json:"peer"`
	Cell
	Round int `json:"round"`
	measure.Outcome
}

// Memory is a peer's resident set, in bytes.
type Memory struct {
	Peer string `json:"peer"`
	Idle int64  `json:"idle"` // before the first call
	Last int64  `json:"last"` // after the last
	Peak int64  `json:"peak"`
}

// Share is where a peer's CPU time goes under a case, by its profile.
type Share struct {
	Peer    string  `json:"peer"`
	Case    string  `json:"case"`
	Seconds float64 `json:"seconds"` // of CPU time in the profile
	Parts   []Piece `json:"parts"`
	Tops    []Piece `json:"tops"` // functions by their own time
}

// Piece is one of a Share's.
type Piece struct {
	Name  string  `json:"name"`
	Share float64 `json:"share"` // 0 to 1
}

// Write writes r as JSON.
func (r *Results) Write(path string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// Read reads what Write wrote.
func Read(path string) (*Results, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	r := &Results{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	return r, nil
}

// Cell is what all peers are compared within.
type Cell struct {
	Provider    string `json:"provider,omitempty"` // that all consumers call; empty where providers are compared
	Case        string `json:"case"`
	Connections int    `json:"connections,omitempty"` // 0 where each consumer has as many as it makes
	InFlight    int    `json:"in_flight"`
}

// String gives "user, 1 connection, 64 in flight", or "user, 32 in flight at provider java".
func (c Cell) String() string {
	if c.Provider != "" {
		return fmt.Sprintf("%s, %d in flight at provider %s", c.Case, c.InFlight, c.Provider)
	}
	s := "s"
	if c.Connections == 1 {
		s = ""
	}
	return fmt.Sprintf("%s, %d connection%s, %d in flight", c.Case, c.Connections, s, c.InFlight)
}

// Cells gives the cells in the order of the runs.
func (r *Results) Cells() (cells []Cell) {
	for _, run := range r.Runs {
		if !slices.Contains(cells, run.Cell) {
			cells = append(cells, run.Cell)
		}
	}
	return cells
}

// PeersOf gives the peers that have runs in a cell, in the order in which names has them.
func (r *Results) PeersOf(c Cell, names []string) (peers []string) {
	for _, n := range names {
		if len(r.runsOf(c, n)) > 0 {
			peers = append(peers, n)
		}
	}
	return peers
}

func (r *Results) runsOf(c Cell, peer string) (runs []Run) {
	for _, run := range r.Runs {
		if run.Peer == peer && run.Cell == c {
			runs = append(runs, run)
		}
	}
	return runs
}

// Spread is the least, the middle and the largest of some figures; of an even number the middle is the mean of two.
type Spread struct{ Min, Median, Max float64 }

func spread(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return Spread{v[0], (v[(n-1)/2] + v[n/2]) / 2, v[n-1]}
}

// Median is the middle of some figures; of an even number the mean of two; 0 of none.
func Median(values []float64) float64 { return spread(values).Median }

// Of gives the spread of a figure over the rounds of a peer.
func (r *Results) Of(c Cell, peer string, figure func(Run) float64) Spread {
	var values []float64
	for _, run := range r.runsOf(c, peer) {
		values = append(values, figure(run))
	}
	return spread(values)
}

// Ratio gives the spread of a figure of one peer over that of another, computed round by round.
func (r *Results) Ratio(c Cell, peer, over string, figure func(Run) float64) Spread {
	below := map[int]float64{}
	for _, run := range r.runsOf(c, over) {
		below[run.Round] = figure(run)
	}
	var values []float64
	for _, run := range r.runsOf(c, peer) {
		if b := below[run.Round]; b > 0 {
			values = append(values, figure(run)/b)
		}
	}
	return spread(values)
}
