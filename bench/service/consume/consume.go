// Package consume is what every Go consumer does: it connects, prints an empty answer, reads plans from its standard input, one JSON object
// a line, makes the calls, checks what comes back, and prints an answer for each plan, one JSON object a line.
package consume

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/dubbofn/dubbofn/bench/service"
	"github.com/dubbofn/dubbofn/bench/service/measure"
)

// Connect makes s a reference to the service at an address, host:port, by whatever its framework has for that. end lets it go.
type Connect func(ctx context.Context, address string, s *Service) (end func() error, err error)

// Main is the main function of a consumer. It ends with the standard input, so that it can't outlive its harness.
func Main(connect Connect) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, connect)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, os.Args[0]+":", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, connect Connect) error {
	options, err := service.ParseOptions()
	if err != nil {
		return err
	}
	profiles := service.ServeProfiles(options)
	defer profiles.Close()
	return Serve(ctx, options.Address, connect, os.Stdin, os.Stdout)
}

// Serve connects, says so by an empty answer, and answers the plans in in, until it ends. The error is the first that connecting or a call
// gave; a call's is an answer too.
func Serve(ctx context.Context, address string, connect Connect, in io.Reader, out io.Writer) (err error) {
	var s Service
	end, err := connect(ctx, address, &s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	plans, answers := json.NewDecoder(in), json.NewEncoder(out)
	if err := answers.Encode(measure.Answer{}); err != nil {
		return fmt.Errorf("say that it is ready: %w", err)
	}
	for {
		var p measure.Plan
		if err := plans.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read plan: %w", err)
		}
		outcome, failure := Run(ctx, &s, p)
		answer := measure.Answer{Outcome: outcome}
		if failure != nil {
			answer.Error = failure.Error()
		}
		if err := errors.Join(failure, answers.Encode(answer)); err != nil {
			return err
		}
	}
}

// Run makes a plan's calls, each loop in a goroutine. A call that fails, or whose answer is wrong, ends it.
func Run(ctx context.Context, s *Service, p measure.Plan) (measure.Outcome, error) {
	c, err := s.call(p.Case)
	if err := errors.Join(err, p.Validate()); err != nil {
		return measure.Outcome{}, fmt.Errorf("check plan: %w", err)
	}
	loops := make([]measure.Loop, p.InFlight)
	for i := range loops {
		loops[i] = &loop{plan: p, call: c}
	}
	return measure.Drive(ctx, p, loops)
}

// loop makes one call after the other.
type loop struct {
	plan    measure.Plan
	call    call
	times   measure.Histogram
	checked uint64
}

// Run calls until the plan's time or count is used up.
func (l *loop) Run(ctx context.Context, start time.Time) error {
	end := l.plan.WarmUp + l.plan.Measure
	begun := time.Since(start)
	for n := range l.plan.MaxCalls {
		if err := ctx.Err(); begun >= end || err != nil {
			return err
		}
		full := n%l.plan.CheckEvery == 0
		if err := l.call(ctx, full); err != nil {
			return fmt.Errorf("call %s: %w", l.plan.Case, err)
		}
		if full {
			l.checked++
		}
		now := time.Since(start)
		if now >= l.plan.WarmUp && now < end {
			l.times.Record(now - begun)
		}
		begun = now
	}
	return nil
}

// Noted gives the times, and how many answers were checked in full.
func (l *loop) Noted() (times *measure.Histogram, checked uint64) { return &l.times, l.checked }
