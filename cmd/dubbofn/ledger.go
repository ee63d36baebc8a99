package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/internal/terminal"
)

// ledgerFlags are what `dubbofn ledger` takes.
type ledgerFlags struct {
	admin         string
	output        *output
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
			if err := f.output.check(); err != nil {
				return err
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
			return showLedger(c, f, app, starts)
		},
	}
	f.output = outputFlag(c)
	fs := c.Flags()
	fs.StringVar(&f.admin, "admin", cmp.Or(adminAddress(), "127.0.0.1:9090"), "the activator's port for operators (environment: DUBBOFN_ADMIN)")
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

func showLedger(c *cobra.Command, f ledgerFlags, app string, all []coldStart) error {
	shown := []coldStart{} // none is an empty list in JSON too
	for _, s := range all {
		if (app == "" || s.App == app) && (f.number <= 0 || len(shown) < f.number) {
			shown = append(shown, s)
		}
	}
	return f.output.show(c, shown, func(t *terminal.Terminal) error {
		if len(shown) == 0 {
			_, err := fmt.Fprintln(t, "no cold start yet: call a function that sleeps")
			return err
		}
		for i, s := range shown {
			if i > 0 {
				fmt.Fprintln(t)
			}
			if err := s.draw(t, f.width); err != nil {
				return err
			}
		}
		return nil
	})
}

// draw shows one: what the activator saw in one colour, what the process wrote down in another, the first call in a third.
func (s coldStart) draw(t *terminal.Terminal, width int) error {
	r, err := s.record()
	if err != nil {
		return err
	}
	lane := map[string]string{"early": "over the connection that the function dialled", "http": "over HTTP"}[s.Lane]
	first := t.Paint(terminal.Strong, fmt.Sprintf("%.1f ms", float64(s.FirstReply)/1000))
	fmt.Fprintf(t, "%s  a call woke it and was answered after %s, %s\n", s.Started.Local().Format(time.TimeOnly), first, lane)
	var drawn strings.Builder
	if err := r.Draw(&drawn, width); err != nil {
		return err
	}
	for line := range strings.Lines(drawn.String()) {
		name, _, _ := strings.Cut(line, " ")
		style := terminal.Accent
		switch cold.Phase(name) {
		case "parked", "knock":
			style = terminal.Warn
		case cold.PhaseReply:
			style = terminal.Good
		case cold.Phase(r.App):
			style = terminal.Strong
		}
		fmt.Fprintln(t, paintBars(t, style, strings.TrimSuffix(line, "\n")))
	}
	return nil
}

// paintBars colours what of a line is drawn, or all of a heading.
func paintBars(t *terminal.Terminal, s terminal.Style, line string) string {
	isBar := func(r rune) bool { return r >= '▁' && r <= '▐' || r == '│' }
	from, to := strings.IndexFunc(line, isBar), strings.LastIndexFunc(line, isBar)
	if s == terminal.Strong || from < 0 {
		return t.Paint(s, line)
	}
	to += len("█") // each of them has as many bytes
	return line[:from] + t.Paint(s, line[from:to]) + line[to:]
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
