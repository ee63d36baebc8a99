package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/cold"
)

// ledgerFlags are what `dubbofn ledger` takes.
type ledgerFlags struct {
	admin, output string
	number, width int
	timeout       time.Duration
}

func ledgerCommand() *cobra.Command {
	var f ledgerFlags
	c := &cobra.Command{
		Use:   "ledger [APP]",
		Short: "Show what the last cold starts were made of",
		Long: `Show the last cold starts that an activator saw, of all functions or of one APP, each as a waterfall: when a phase began and how
long it took. Times are milliseconds since the process began; what was before it, the activator saw.

  parked    the first call waited in the activator until the function could take it
  knock     from the request that wakes the function until the platform answered it
  process   the kernel made the process
  runtime   Go's runtime started; init: settings and services; listen: ports
  snapshot  what the process before it left; keeper: connections that were kept; registry: what was asked there
  ready     what the first call needs; lane: the activator was dialled
  reply     the first call`,
		Example: `  dubbofn ledger
  dubbofn ledger greet -n 3
  dubbofn ledger --admin activator.example.org:9090 -o json | jq '.[0].first_reply_us'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if f.output != "text" && f.output != "json" {
				return usagef("--output %q: want text or json", f.output)
			}
			app := ""
			if len(args) > 0 {
				app = args[0]
			}
			ctx, cancel := context.WithTimeout(c.Context(), f.timeout)
			defer cancel()
			var starts []coldStart
			if err := askActivator(ctx, f.admin, "/api/ledger", &starts); err != nil {
				return err
			}
			return showLedger(c.OutOrStdout(), f, app, starts)
		},
	}
	fs := c.Flags()
	fs.StringVar(&f.admin, "admin", cmp.Or(adminAddress(), "127.0.0.1:9090"), "the activator's port for operators (environment: DUBBOFN_ADMIN)")
	fs.StringVarP(&f.output, "output", "o", "text", "text or json")
	fs.IntVarP(&f.number, "number", "n", 1, "how many cold starts, newest first; 0: all that are remembered")
	fs.IntVar(&f.width, "width", 48, "how wide the bars are, in columns")
	fs.DurationVar(&f.timeout, "timeout", 5*time.Second, "how long to wait for the activator")
	return c
}

// coldStart is one of the activator's /api/ledger.
type coldStart struct {
	App        string          `json:"app"`
	Instance   string          `json:"instance,omitempty"`
	Lane       string          `json:"lane"`
	Started    time.Time       `json:"started"`
	Parked     int64           `json:"parked_us"`
	Knock      int64           `json:"knock_us,omitempty"`
	FirstReply int64           `json:"first_reply_us"`
	Ledger     json.RawMessage `json:"ledger,omitempty"`
}

func showLedger(out io.Writer, f ledgerFlags, app string, all []coldStart) error {
	shown := []coldStart{} // none is an empty list in JSON too
	for _, s := range all {
		if (app == "" || s.App == app) && (f.number <= 0 || len(shown) < f.number) {
			shown = append(shown, s)
		}
	}
	if f.output == "json" {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(shown)
	}
	if len(shown) == 0 {
		_, err := fmt.Fprintln(out, "no cold start yet: call a function that sleeps")
		return err
	}
	for i, s := range shown {
		if i > 0 {
			fmt.Fprintln(out)
		}
		r, err := s.record()
		if err != nil {
			return err
		}
		lane := map[string]string{"early": "over the connection that the function dialled", "http": "over HTTP"}[s.Lane]
		fmt.Fprintf(out, "%s  a call woke it and was answered after %.1f ms, %s\n", s.Started.Local().Format(time.TimeOnly), float64(s.FirstReply)/1000, lane)
		if err := r.Draw(out, f.width); err != nil {
			return err
		}
	}
	return nil
}

// record puts what the activator saw before and around what the process wrote down.
func (s coldStart) record() (r cold.Record, err error) {
	if len(s.Ledger) > 0 {
		if err := json.Unmarshal(s.Ledger, &r); err != nil {
			return r, err
		}
	}
	if r.Started.IsZero() {
		r = cold.Record{App: s.App, Instance: s.Instance, Started: s.Started}
	}
	began := s.Started.Sub(r.Started)
	micros := func(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
	seen := []cold.Entry{{Name: "parked", At: began, Took: micros(s.Parked)}}
	if s.Knock > 0 {
		seen = append(seen, cold.Entry{Name: "knock", At: began, Took: micros(s.Knock)})
	}
	r.Entries = append(seen, r.Entries...)
	for _, e := range r.Entries {
		if e.Name == cold.PhaseReply {
			return r, nil
		}
	}
	r.Entries = append(r.Entries, cold.Entry{Name: cold.PhaseReply, At: began + micros(s.Parked), Took: micros(max(s.FirstReply-s.Parked, 1))})
	return r, nil
}
