package skywalking_test

import (
	"context"
	"io"
	"log"
	"testing"
	"time"

	"github.com/SkyAPM/go2sky"
	"github.com/SkyAPM/go2sky/logger"
	"github.com/SkyAPM/go2sky/reporter"

	"github.com/dubbofn/dubbofn/tracing"
)

// What a call's spans cost, ours beside go2sky's own tracer with its own reporter, each sending to the same kind of server in the same process:
//
//	go test -run xxx -bench . -benchmem ./tracing/skywalking
//
// All that is made is sent: every now and then both wait until the server has it. So ns/op is all of it, what a call's goroutine spends and what
// sending takes, the server's own part too.

const (
	benchHeader = "1-MGI4ZTY3YTNlNmFmMTFmMWIyY2E1NmM3M2FmOTFiZjU=-MGI4ZTc1NGZlNmFmMTFmMWIyY2E1NmM3M2FmOTFiZjU=-1-Z28tY29uc3VtZXI=-Z28tY29uc3VtZXJAMQ==-Q2xvdWRFdmVudHMvUE9TVA==-MTI3LjAuMC4xOjE5MDgx"
	benchBurst  = 5000
)

// bench runs call, whose segments s hears of where there are any.
func bench(b *testing.B, s *sink, sampled bool, flush func(), call func()) {
	b.ReportAllocs()
	made := s.came.Load()
	wait := func() {
		flush()
		for sampled && s.came.Load() < made {
			time.Sleep(50 * time.Microsecond)
		}
	}
	for b.Loop() {
		call()
		if made++; sampled && made%benchBurst == 0 {
			wait()
		}
	}
	b.StopTimer()
	wait()
}

func setting(sampled bool) (share float64, in carrier) {
	if sampled {
		return 1, carrier{tracing.KeySW8: benchHeader}
	}
	return 0, carrier{}
}

func ours(b *testing.B, exit bool, sampled bool) {
	s := &sink{forget: true}
	at, _ := s.listen(b, "127.0.0.1:0")
	share, in := setting(sampled)
	tr := open(b, "skywalking://"+at, tracing.Config{Sample: &share})
	out := carrier{}
	ctx := context.Background()
	flush := func() { _ = tr.Flush(ctx) }
	bench(b, s, sampled, flush, func() {
		within, entry := tr.Start(ctx, tracing.Start{Kind: tracing.Entry, Name: "demo.Greeter.greet(String)", Peer: "10.0.0.9:1", Layer: tracing.LayerRPC, Component: tracing.ComponentDubbo, Carrier: in})
		entry.Tag("url", "dubbo://x")
		if exit {
			_, x := tr.Start(within, tracing.Start{Kind: tracing.Exit, Name: "demo.Stock.take(int)", Peer: "127.0.0.1:1", Layer: tracing.LayerRPC, Component: tracing.ComponentDubbo, Carrier: out})
			x.Tag("url", "dubbo://x")
			x.End()
		}
		entry.End()
	})
}

func theirs(b *testing.B, exit bool, sampled bool) {
	s := &sink{forget: true}
	at, _ := s.listen(b, "127.0.0.1:0")
	share, in := setting(sampled)
	r, err := reporter.NewGRPCReporter(at, reporter.WithCDS(-1), reporter.WithLog(logger.NewDefaultLogger(log.New(io.Discard, "", 0))), reporter.WithCheckInterval(100*time.Millisecond))
	if err != nil {
		b.Fatal(err)
	}
	tr, err := go2sky.NewTracer("shop", go2sky.WithReporter(r), go2sky.WithInstance("shop@1"), go2sky.WithSampler(share))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		r.Close()
		time.Sleep(time.Second) // it goes on behind one's back
	})
	out := carrier{}
	ctx := context.Background()
	extract := func(key string) (string, error) { return in.Get(key), nil }
	inject := func(key, value string) error { out.Set(key, value); return nil }
	bench(b, s, sampled, func() {}, func() {
		entry, within, err := tr.CreateEntrySpan(ctx, "demo.Greeter.greet(String)", extract)
		if err != nil {
			b.Fatal(err)
		}
		entry.SetComponent(3)
		entry.SetPeer("10.0.0.9:1")
		entry.SetSpanLayer(2)
		entry.Tag("url", "dubbo://x")
		if exit {
			x, err := tr.CreateExitSpan(within, "demo.Stock.take(int)", "127.0.0.1:1", inject)
			if err != nil {
				b.Fatal(err)
			}
			x.SetComponent(3)
			x.SetSpanLayer(2)
			x.Tag("url", "dubbo://x")
			x.End()
		}
		entry.End()
	})
}

func BenchmarkEntry(b *testing.B)                     { ours(b, false, true) }
func BenchmarkEntryGo2sky(b *testing.B)               { theirs(b, false, true) }
func BenchmarkEntryExit(b *testing.B)                 { ours(b, true, true) }
func BenchmarkEntryExitGo2sky(b *testing.B)           { theirs(b, true, true) }
func BenchmarkEntryExitNotSampled(b *testing.B)       { ours(b, true, false) }
func BenchmarkEntryExitNotSampledGo2sky(b *testing.B) { theirs(b, true, false) }
func BenchmarkEntryNotSampled(b *testing.B)           { ours(b, false, false) }
func BenchmarkEntryNotSampledGo2sky(b *testing.B)     { theirs(b, false, false) }
