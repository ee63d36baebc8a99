// Command tracing is the provider of the other measurements with SkyWalking's tracer linked in ("function ADDRESS", spans go where DUBBOFN_TRACING says), and
// what takes spans and keeps none ("sink ADDRESS"), as a backend that is never busy.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"google.golang.org/grpc"
	common "skywalking.apache.org/repo/goapi/collect/common/v3"
	agent "skywalking.apache.org/repo/goapi/collect/language/agent/v3"
	management "skywalking.apache.org/repo/goapi/collect/management/v3"

	"github.com/dubbofn/dubbofn/bench/service"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/tracing/skywalking"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tracing:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	roles := map[string]func(context.Context, string) error{"function": function, "sink": sink}
	if len(os.Args) != 3 || roles[os.Args[1]] == nil {
		return errors.New("want function or sink, and an address")
	}
	return roles[os.Args[1]](ctx, os.Args[2])
}

func function(ctx context.Context, address string) error {
	c, err := serve.FromEnvironment()
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if c.Port, err = strconv.Atoi(port); err != nil {
		return err
	}
	c.Bind, c.HTTPPort, c.Register, c.LogLevel, c.DrainTimeout = "127.0.0.1", 0, "no", "error", 0
	return serve.Run(ctx, c, skywalking.Tracer, fn.NewService(service.Interface,
		fn.Method("user", func(_ context.Context, u *service.User) (*service.User, error) { return service.Next(u), nil })))
}

// backend takes everything.
type backend struct {
	agent.UnimplementedTraceSegmentReportServiceServer
	management.UnimplementedManagementServiceServer
}

// Collect takes segments.
func (backend) Collect(s agent.TraceSegmentReportService_CollectServer) error {
	for {
		if _, err := s.Recv(); errors.Is(err, io.EOF) {
			return s.SendAndClose(&common.Commands{})
		} else if err != nil {
			return err
		}
	}
}

// ReportInstanceProperties takes them.
func (backend) ReportInstanceProperties(context.Context, *management.InstanceProperties) (*common.Commands, error) {
	return &common.Commands{}, nil
}

// KeepAlive takes signs of life.
func (backend) KeepAlive(context.Context, *management.InstancePingPkg) (*common.Commands, error) {
	return &common.Commands{}, nil
}

func sink(ctx context.Context, address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	s := grpc.NewServer()
	agent.RegisterTraceSegmentReportServiceServer(s, backend{})
	management.RegisterManagementServiceServer(s, backend{})
	stop := context.AfterFunc(ctx, s.Stop)
	defer stop()
	return s.Serve(l)
}
