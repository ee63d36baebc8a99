package consume

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/dubbofn/dubbofn/bench/service"
)

// Timeout is that of every consumer's calls: dubbo-go's default, the longest of the three. dubbo-go keeps a timer for each call until its timeout
// is over, so that with a longer one it would do worse.
const Timeout = 3 * time.Second

// Service is the Java interface as a Go consumer has it: functions, which a framework fills in.
type Service struct {
	Echo  func(ctx context.Context, text string) (string, error)            `dubbo:"echo"`
	User  func(ctx context.Context, u *service.User) (*service.User, error) `dubbo:"user"`
	Users func(ctx context.Context, count int32) ([]*service.User, error)   `dubbo:"users"`
	Bytes func(ctx context.Context, data []byte) ([]byte, error)            `dubbo:"bytes"`
}

// call makes one call and checks the answer: in full, or what tells most mistakes.
type call func(ctx context.Context, full bool) error

// call gives what a case does.
func (s *Service) call(name string) (call, error) {
	switch name {
	case "echo":
		return s.echo, nil
	case "user":
		return s.user(service.Ada(), service.Next(service.Ada())), nil
	case "users100":
		return s.users(service.Sample(100)), nil
	case "bytes1k":
		return s.bytes(service.Bytes(1 << 10)), nil
	case "bytes64k":
		return s.bytes(service.Bytes(64 << 10)), nil
	}
	return nil, fmt.Errorf("case %q is none of echo, user, users100, bytes1k, bytes64k", name)
}

func (s *Service) echo(ctx context.Context, _ bool) error {
	got, err := s.Echo(ctx, service.Text)
	if err == nil && got != service.Text {
		err = fmt.Errorf("%q is not %q", got, service.Text)
	}
	return err
}

func (s *Service) user(u, want *service.User) call {
	return func(ctx context.Context, full bool) error {
		got, err := s.User(ctx, u)
		if err != nil {
			return err
		}
		if got == nil || got.Id != want.Id || got.Age != want.Age || full && !reflect.DeepEqual(got, want) {
			return fmt.Errorf("%+v is not %+v", got, *want)
		}
		return nil
	}
}

func (s *Service) users(want []*service.User) call {
	return func(ctx context.Context, full bool) error {
		got, err := s.Users(ctx, int32(len(want)))
		if err != nil {
			return err
		}
		last := len(want) - 1
		if len(got) != len(want) || got[last] == nil || got[last].Id != want[last].Id || full && !reflect.DeepEqual(got, want) {
			return fmt.Errorf("%d users are not the %d wanted", len(got), len(want))
		}
		return nil
	}
}

func (s *Service) bytes(data []byte) call {
	return func(ctx context.Context, full bool) error {
		got, err := s.Bytes(ctx, data)
		if err != nil {
			return err
		}
		if len(got) != len(data) || full && !bytes.Equal(got, data) {
			return fmt.Errorf("%d bytes are not the %d sent", len(got), len(data))
		}
		return nil
	}
}
