// Command consumer is the dubbo-go v3 consumer, by its client API: a struct of functions that a reference fills in. All but the protocol,
// the serialization (its client API has triple and msgpack otherwise), the timeout and the logger is left at its default.
package main

import (
	"context"
	"fmt"

	"dubbo.apache.org/dubbo-go/v3"
	"dubbo.apache.org/dubbo-go/v3/client"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	_ "dubbo.apache.org/dubbo-go/v3/imports"
	"dubbo.apache.org/dubbo-go/v3/logger"
	hessian "github.com/apache/dubbo-go-hessian2"

	"github.com/dubbofn/dubbofn/bench/service"
	"github.com/dubbofn/dubbofn/bench/service/consume"
)

// BenchService is what dubbo-go fills in. A List<User> comes as []any: to []*service.User it says "can not assign".
type BenchService struct {
	Echo  func(ctx context.Context, text string) (string, error)            `dubbo:"echo"`
	User  func(ctx context.Context, u *service.User) (*service.User, error) `dubbo:"user"`
	Users func(ctx context.Context, count int32) ([]any, error)             `dubbo:"users"`
	Bytes func(ctx context.Context, data []byte) ([]byte, error)            `dubbo:"bytes"`
}

func main() { consume.Main(connect) }

func connect(_ context.Context, address string, s *consume.Service) (end func() error, err error) {
	hessian.RegisterPOJO(&service.User{})
	instance, err := dubbo.NewInstance(dubbo.WithName("bench-consumer"), dubbo.WithLogger(logger.WithLevel("error")))
	if err != nil {
		return nil, err
	}
	c, err := instance.NewClient(client.WithClientProtocolDubbo(), client.WithClientRequestTimeout(consume.Timeout))
	if err != nil {
		return nil, err
	}
	var bench BenchService
	_, err = c.NewService(&bench, client.WithInterface(service.Interface), client.WithURL("dubbo://"+address),
		client.WithProtocolDubbo(), client.WithSerialization(constant.Hessian2Serialization))
	s.Echo, s.User, s.Users, s.Bytes = bench.Echo, bench.User, bench.users, bench.Bytes
	return func() error { return nil }, err
}

func (b *BenchService) users(ctx context.Context, count int32) ([]*service.User, error) {
	list, err := b.Users(ctx, count)
	if err != nil {
		return nil, err
	}
	users := make([]*service.User, len(list))
	for i, v := range list {
		u, ok := v.(*service.User)
		if !ok {
			return nil, fmt.Errorf("user %d is a %T", i, v)
		}
		users[i] = u
	}
	return users, nil
}
