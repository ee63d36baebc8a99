package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	common "skywalking.apache.org/repo/goapi/collect/common/v3"
	agent "skywalking.apache.org/repo/goapi/collect/language/agent/v3"
	management "skywalking.apache.org/repo/goapi/collect/management/v3"
)

// backend is what a tracer reports to, in this process: SkyWalking's protocol, and counts of what came. It may be slow, or refuse.
type backend struct {
	agent.UnimplementedTraceSegmentReportServiceServer
	management.UnimplementedManagementServiceServer
	address string
	pause   time.Duration // before what came is taken
	refuse  bool

	mu       sync.Mutex
	server   *grpc.Server // nil: it is away
	segments atomic.Int64
	spans    atomic.Int64
}

// up has it listen.
func (b *backend) up(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", b.address)
	if err != nil {
		return err
	}
	s := grpc.NewServer()
	agent.RegisterTraceSegmentReportServiceServer(s, b)
	management.RegisterManagementServiceServer(s, b)
	b.mu.Lock()
	b.server = s
	b.mu.Unlock()
	go func() { _ = s.Serve(l) }() // it ends when it is stopped
	return nil
}

// down cuts every connection.
func (b *backend) down() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server != nil {
		b.server.Stop()
		b.server = nil
	}
}

// Collect takes segments as the agents for other languages send them.
func (b *backend) Collect(stream agent.TraceSegmentReportService_CollectServer) error {
	for {
		segment, err := stream.Recv()
		if err != nil {
			return stream.SendAndClose(&common.Commands{})
		}
		if err := b.take(stream.Context(), segment); err != nil {
			return err
		}
	}
}

// CollectInSync takes several at once.
func (b *backend) CollectInSync(ctx context.Context, all *agent.SegmentCollection) (*common.Commands, error) {
	return &common.Commands{}, b.take(ctx, all.GetSegments()...)
}

func (b *backend) take(ctx context.Context, all ...*agent.SegmentObject) error {
	if b.refuse {
		return status.Error(codes.Unavailable, "refused")
	}
	if b.pause > 0 {
		select {
		case <-time.After(b.pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, segment := range all {
		b.segments.Add(1)
		b.spans.Add(int64(len(segment.GetSpans())))
	}
	return nil
}

func (b *backend) ReportInstanceProperties(context.Context, *management.InstanceProperties) (*common.Commands, error) {
	return &common.Commands{}, b.refused()
}

func (b *backend) KeepAlive(context.Context, *management.InstancePingPkg) (*common.Commands, error) {
	return &common.Commands{}, b.refused()
}

func (b *backend) refused() error {
	if b.refuse {
		return status.Error(codes.Unauthenticated, "refused")
	}
	return nil
}

// mute takes connections and says nothing.
func mute(ctx context.Context, address string) (end func() error, err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	var all []net.Conn
	ended := make(chan error, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				for _, c := range all {
					_ = c.Close()
				}
				if errors.Is(err, net.ErrClosed) {
					err = nil
				}
				ended <- err
				return
			}
			all = append(all, c)
		}
	}()
	return func() error {
		if err := l.Close(); err != nil {
			return fmt.Errorf("stop listening on %s: %w", address, err)
		}
		return <-ended
	}, nil
}
