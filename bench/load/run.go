package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/dubbofn/dubbofn/bench/service/measure"
)

// Plan says what load to make. Every field is needed.
type Plan struct {
	measure.Plan
	Address     string // of the provider, on loopback
	Connections int    // 1 to 10000; where fewer calls are in flight, each is made on the connection that has rested longest
	Services    int    // how many services are called in turn, of the names that service.Numbered gives; 0: service.Interface alone
}

// Validate reports all that is wrong with p.
func (p Plan) Validate() error {
	var faults []error
	host, _, err := net.SplitHostPort(p.Address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		faults = append(faults, fmt.Errorf("address %q is not a loopback ip:port", p.Address))
	}
	if p.Connections < 1 || p.Connections > 10000 {
		faults = append(faults, fmt.Errorf("%d connections are not in 1 to 10000", p.Connections))
	}
	if p.Services < 0 || p.Services > 10000 {
		faults = append(faults, fmt.Errorf("%d services are not in 0 to 10000", p.Services))
	}
	faults = append(faults, p.Plan.Validate())
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("check plan: %w", err)
	}
	return nil
}

// Run makes the load and waits for every reply. Any reply that is wrong or missing is an error.
func Run(ctx context.Context, p Plan) (measure.Outcome, error) {
	if err := p.Validate(); err != nil {
		return measure.Outcome{}, err
	}
	c, err := NewCase(p.Case)
	if err != nil {
		return measure.Outcome{}, err
	}
	requests, err := c.requests(p.Services)
	if err != nil {
		return measure.Outcome{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.WarmUp+p.Measure+30*time.Second)
	defer cancel()
	want, err := probe(ctx, p.Address, c, requests[0])
	if err != nil {
		return measure.Outcome{}, err
	}
	resting := make(chan net.Conn, p.Connections)
	for range p.Connections {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", p.Address)
		if err != nil {
			return measure.Outcome{}, fmt.Errorf("dial provider: %w", err)
		}
		defer conn.Close()
		defer context.AfterFunc(ctx, func() { conn.Close() })()
		resting <- conn
	}
	loops := make([]measure.Loop, min(p.Connections, p.InFlight))
	for i := range loops {
		inFlight := p.InFlight / len(loops)
		if i < p.InFlight%len(loops) {
			inFlight++
		}
		loops[i] = newLoop(p, c, requests, i*len(requests)/len(loops), want, inFlight, resting)
	}
	outcome, err := measure.Drive(ctx, p.Plan, loops)
	outcome.RequestBytes, outcome.ReplyBytes = len(requests[0]), headerBytes+want.length
	return outcome, err
}
