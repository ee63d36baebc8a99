package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/dubbofn/dubbofn/bench/service"
	"github.com/dubbofn/dubbofn/bench/service/measure"
)

// user is service.Ada as JSON has her: with Java's names of the fields, which Go's take as well.
type user struct {
	Id      int64    `json:"id"` //nolint:revive // as service.User has it
	Name    string   `json:"name"`
	Email   string   `json:"email"`
	Age     int32    `json:"age"`
	Active  bool     `json:"active"`
	Score   float64  `json:"score"`
	Address string   `json:"address"`
	Tags    []string `json:"tags"`
}

// call prints what came of the plan.
func call(ctx context.Context, args []string) error {
	var p measure.Plan
	f := flag.NewFlagSet("client", flag.ExitOnError)
	address := f.String("address", "", "whom to call")
	replies := f.Bool("replies", true, "the result comes back as an event")
	f.IntVar(&p.InFlight, "in-flight", 1, "connections, each with one event at a time")
	f.DurationVar(&p.WarmUp, "warm-up", 0, "not counted")
	f.DurationVar(&p.Measure, "measure", time.Second, "counted")
	f.IntVar(&p.PID, "pid", 0, "of the server, for its CPU time")
	if err := f.Parse(args); err != nil {
		return err
	}
	p.MaxCalls, p.CheckEvery = 1, 1 // time alone bounds it, and every answer is checked
	if err := p.Validate(); err != nil {
		return err
	}
	body, err := json.Marshal(user(*service.Ada()))
	if err != nil {
		return err
	}
	run := strconv.FormatInt(time.Now().UnixNano(), 36)
	loops := make([]measure.Loop, p.InFlight)
	for i := range loops {
		loops[i] = &loop{address: *address, plan: p, replies: *replies, name: run + "-" + strconv.Itoa(i) + "-", body: body}
	}
	outcome, err := measure.Drive(ctx, p, loops)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(outcome)
}

// loop sends one event after the other over one connection, each with an id of its own.
type loop struct {
	address string
	plan    measure.Plan
	replies bool
	name    string
	body    []byte
	times   measure.Histogram
	seen    uint64
}

// Run implements [measure.Loop].
func (l *loop) Run(ctx context.Context, start time.Time) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.address)
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() }) // its reader is told
	defer stop()
	in := bufio.NewReaderSize(c, 16<<10)
	from, to := l.plan.WarmUp, l.plan.WarmUp+l.plan.Measure
	var out []byte
	for begun := time.Since(start); begun < to; {
		out = append(out[:0], "POST / HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nCe-Specversion: 1.0\r\nCe-Type: "+typ+"\r\nCe-Source: /bench/client\r\nPrefer: reply\r\nCe-Id: "...)
		out = append(out, l.name...)
		out = strconv.AppendUint(out, l.seen, 10)
		out = append(out, "\r\nContent-Length: "...)
		out = strconv.AppendInt(out, int64(len(l.body)), 10)
		out = append(append(out, "\r\n\r\n"...), l.body...)
		if _, err := c.Write(out); err != nil {
			return err
		}
		if err := l.check(in); err != nil {
			return err
		}
		l.seen++
		now := time.Since(start)
		if now >= from && now < to {
			l.times.Record(now - begun)
		}
		begun = now
	}
	return nil
}

// check reads the answer: the status, and the event's type and data where there is one.
func (l *loop) check(in *bufio.Reader) error {
	status, length, isReply := 0, 0, false
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case first:
			if len(line) > 12 {
				status, _ = strconv.Atoi(string(line[9:12])) // 0 is told below
			}
		case bytes.EqualFold(name, []byte("Content-Length")):
			length, _ = strconv.Atoi(string(value))
		case bytes.EqualFold(name, []byte("Ce-Type")):
			isReply = string(value) == replyTyp
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			return errors.New("check answer: it comes in chunks")
		}
	}
	body, err := in.Peek(min(length, in.Size()))
	if err != nil {
		return err
	}
	right := status == http.StatusOK || status == http.StatusAccepted || status == http.StatusNoContent
	if l.replies {
		right = status == http.StatusOK && isReply && bytes.Contains(body, []byte(":7000000001,"))
	}
	if !right {
		return fmt.Errorf("check answer: status %d, %.200q", status, body)
	}
	_, err = io.CopyN(io.Discard, in, int64(length))
	return err
}

// Noted implements [measure.Loop].
func (l *loop) Noted() (times *measure.Histogram, checked uint64) { return &l.times, l.seen }
