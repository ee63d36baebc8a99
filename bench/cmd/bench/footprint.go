package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/dubbofn/dubbofn/bench/peer"
	"github.com/dubbofn/dubbofn/bench/report"
	"github.com/dubbofn/dubbofn/bench/service/measure"
)

// The figures of a program that has nothing to do.
const (
	residentFigure = "resident MiB"
	footprintCase  = "a program that listens, and has nothing to do"
	idleTime       = 2 * time.Second // from when it listens
)

// measureFootprint starts each program and looks at its memory once it has had nothing to do for a while.
func measureFootprint(ctx context.Context, m peer.Machine, s settings) ([]*report.Part, error) {
	all, silent, err := readyStarters(ctx, m)
	if err != nil {
		return nil, err
	}
	defer silent.Close()
	p := &report.Part{Name: "footprint", Title: "memory and binaries", Bar: greet, Compared: []string{residentFigure}, Conditions: conditions(ctx, m, s, nil)}
	rounds := s.footprints()
	p.Conditions.Method = fmt.Sprintf("%d interleaved starts of each; %v after it listens, without a call; binaries as dubbofn build makes them, stripped", rounds, idleTime)
	for round := range rounds {
		for _, one := range inTurn(all, round+1) {
			resident, err := idleMemory(ctx, m, one, silent.Addr().String())
			if err != nil {
				return nil, fmt.Errorf("%s: %w", one.name, err)
			}
			progress("footprint, round %d: %s %.1f MiB", round+1, one.name, mib(resident))
			p.Add(footprintCase, one.name, residentFigure, mib(resident))
			if file, err := os.Stat(one.command(m.Root, ports{})[0]); err == nil && one.dir != "" {
				p.Add(footprintCase, one.name, "binary MiB", mib(file.Size()))
			}
		}
	}
	p.Conditions.LoadAfter = loadAverage()
	return []*report.Part{p}, nil
}

// footprints are the starts of each: fewer than rounds elsewhere, since memory differs little.
func (s settings) footprints() int { return (s.rounds + 1) / 2 }

// timeOfFootprint is that of measureFootprint.
func timeOfFootprint(s settings) time.Duration {
	return time.Duration(s.footprints()*len(starters())) * (idleTime + 500*time.Millisecond)
}

// idleMemory gives the resident set of a program that listens.
func idleMemory(ctx context.Context, m peer.Machine, p starter, silent string) (resident int64, err error) {
	addresses, err := peer.FreeAddresses(2)
	if err != nil {
		return 0, err
	}
	at := ports{addresses[0], addresses[1], silent}
	cmd := m.Command(ctx, m.ProviderCore, p.command(m.Root, at)...)
	if p.env != nil {
		cmd.Env = append(cmd.Env, p.env(m.Root, at)...)
	}
	in, err := cmd.StdinPipe() // some end with their input
	if err != nil {
		return 0, err
	}
	defer in.Close()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Kill() // it keeps nothing
		_ = cmd.Wait()         // it was killed
	}()
	if err := until(ctx, p.name+" listens", func() bool { return listens(at.main) }); err != nil {
		return 0, err
	}
	if err := rest(ctx, idleTime); err != nil {
		return 0, err
	}
	resident, _, err = measure.Memory(cmd.Process.Pid)
	return resident, err
}
