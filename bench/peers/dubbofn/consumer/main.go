// Command consumer is the consumer that this repository makes: package client as docs/consumer.md has it, a struct of functions bound to a
// reference, with its defaults but for the timeout.
package main

import (
	"context"
	"errors"

	"github.com/dubbofn/dubbofn/bench/service"
	"github.com/dubbofn/dubbofn/bench/service/consume"
	"github.com/dubbofn/dubbofn/client"
)

func main() { consume.Main(connect) }

func connect(ctx context.Context, address string, s *consume.Service) (end func() error, err error) {
	ref, err := client.Reference(ctx, service.Interface, client.URL("dubbo://"+address), client.Timeout(consume.Timeout))
	if err != nil {
		return nil, err
	}
	if err := ref.Bind(s); err != nil {
		return nil, errors.Join(err, ref.Close())
	}
	return ref.Close, nil
}
