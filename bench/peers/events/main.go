// Command events takes events over HTTP, calls a function with their data and answers with its result as an event: as "dubbofn", by this repository; as
// "sdk", by the CloudEvents SDK's own receiver; as "functions", by functions-framework-go, whose functions of events have no result. As "client" it sends
// them, from as many connections as there are in flight.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	cloudevents "github.com/cloudevents/sdk-go/v2"

	"github.com/dubbofn/dubbofn/bench/service"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/cloudevent"
	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/fn/serve"
)

// What events are, and what they become.
const (
	typ      = "org.bench.user"
	replyTyp = "org.bench.next"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "events:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	roles := map[string]func(context.Context, string) error{"dubbofn": byDubbofn, "sdk": bySDK, "functions": byFramework}
	switch {
	case len(os.Args) > 1 && os.Args[1] == "client":
		return call(ctx, os.Args[2:])
	case len(os.Args) == 3 && roles[os.Args[1]] != nil:
		return roles[os.Args[1]](ctx, os.Args[2])
	}
	return errors.New("want dubbofn, sdk or functions and an address, or client")
}

func byDubbofn(ctx context.Context, address string) error {
	c, err := serve.FromEnvironment()
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if c.HTTPPort, err = strconv.Atoi(port); err != nil {
		return err
	}
	c.Bind, c.Port, c.Register, c.LogLevel, c.DrainTimeout = "127.0.0.1", 0, "no", "error", 0
	return serve.Run(ctx, c, cloudevent.Events(), fn.NewService(service.Interface,
		fn.Method("user", func(_ context.Context, u *service.User) (*service.User, error) { return service.Next(u), nil }),
		fn.OnEvent(event.Rule{On: event.Match{Type: typ}, Call: event.Target{Method: "user"}, Reply: &event.Reply{Type: replyTyp, Source: "/bench"}})))
}

func bySDK(ctx context.Context, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	p, err := cloudevents.NewHTTP(cloudevents.WithPort(n))
	if err != nil {
		return err
	}
	c, err := cloudevents.NewClient(p)
	if err != nil {
		return err
	}
	return c.StartReceiver(ctx, func(_ context.Context, e cloudevents.Event) (*cloudevents.Event, cloudevents.Result) {
		var u service.User
		if err := e.DataAs(&u); err != nil {
			return nil, cloudevents.NewHTTPResult(400, "%s", err)
		}
		reply := cloudevents.NewEvent()
		reply.SetID(e.ID())
		reply.SetSource("/bench")
		reply.SetType(replyTyp)
		if err := reply.SetData(cloudevents.ApplicationJSON, service.Next(&u)); err != nil {
			return nil, err
		}
		return &reply, nil
	})
}

func byFramework(_ context.Context, address string) error {
	functions.CloudEvent("user", func(_ context.Context, e cloudevents.Event) error {
		var u service.User
		if err := e.DataAs(&u); err != nil {
			return err
		}
		service.Next(&u)
		return nil
	})
	if err := os.Setenv("FUNCTION_TARGET", "user"); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	return funcframework.StartHostPort(host, port)
}
