// Package report is what comes of a run: the figures as JSON, and tables, charts and a comparison with goals that are made from the JSON.
package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// Results is the content of out/results.json: every part as it was measured last.
type Results struct {
	Parts []*Part  `json:"parts"`
	Goals []Judged `json:"goals,omitempty"`
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
	Method     string   `json:"method"` // rounds, times, checks
	Peers      []string `json:"peers"`  // "name: what it is", in the order of tables
}

// Share is where a peer's CPU time goes under a case, by its profile.
type Share struct {
	Peer    string  `json:"peer"`
	Case    string  `json:"case"`
	Seconds float64 `json:"seconds"` // of CPU time in the profile
	Pieces  []Piece `json:"pieces"`
	Tops    []Piece `json:"tops"` // functions by their own time
}

// Piece is one of a Share's.
type Piece struct {
	Name  string  `json:"name"`
	Share float64 `json:"share"` // 0 to 1
}

// Put takes the place of what was measured of the same name, or comes last.
func (r *Results) Put(p *Part) {
	if i := slices.IndexFunc(r.Parts, func(old *Part) bool { return old.Name == p.Name }); i >= 0 {
		r.Parts[i] = p
		return
	}
	r.Parts = append(r.Parts, p)
}

// Part gives a part by its name; an empty one where it was not measured.
func (r *Results) Part(name string) *Part {
	for _, p := range r.Parts {
		if p.Name == name {
			return p
		}
	}
	return &Part{Name: name}
}

// Write writes r as JSON.
func (r *Results) Write(path string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// Read reads what Write wrote; a file that isn't there is empty results.
func Read(path string) (*Results, error) {
	r := &Results{}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(text, r)
	}
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	return r, nil
}

// Spread is the least, the middle and the largest of some figures; of an even number the middle is the mean of two.
type Spread struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// SpreadOf gives that of some figures; zeros of none.
func SpreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return Spread{v[0], (v[(n-1)/2] + v[n/2]) / 2, v[n-1]}
}
