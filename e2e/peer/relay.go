package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/invoker"
)

const xidService = "org.fixture.dubbo.XidService"

// next is XidService as it is called on.
type next struct {
	Xid        func(context.Context) (*string, error)
	Branch     func(context.Context) (*string, error)
	Attachment func(context.Context, *string) (*string, error)
}

// relay serves XidService in group "go": each call goes on to another provider, with what the client passes on. It prints
// "PROVIDER-READY relay".
func relay(args []string) error {
	flags := flag.NewFlagSet("relay", flag.ExitOnError)
	to := flags.String("to", "", "the provider that calls go on to: dubbo://host:port")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s, err := client.Reference(context.Background(), xidService, client.URL(*to))
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	var on next
	if err := s.Bind(&on); err != nil {
		return err
	}
	serve.Main(fn.NewService(xidService, fn.Group("go"),
		fn.Method("xid", on.Xid),
		fn.Method("branch", on.Branch),
		fn.Method("attachment", on.Attachment),
		fn.Method("here", func(ctx context.Context, key string) (*string, error) {
			v, ok := invoker.FromContext(ctx).Attachments.Value(key)
			if !ok {
				return nil, nil //nolint:nilnil // Java's null
			}
			text := fmt.Sprint(v)
			return &text, nil
		}),
	), serve.Hook(func(context.Context, serve.Addresses) { fmt.Println("PROVIDER-READY relay") }))
	return nil
}

func relayMain(args []string) {
	if err := relay(args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
