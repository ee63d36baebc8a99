package consume

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/bench/service"
	"github.com/dubbofn/dubbofn/bench/service/measure"
)

// inMemory is a service that no framework is between; spoil may change its answers.
func inMemory(spoil func(*Service)) Connect {
	return func(_ context.Context, _ string, s *Service) (end func() error, err error) {
		s.Echo = func(_ context.Context, text string) (string, error) { return text, nil }
		s.User = func(_ context.Context, u *service.User) (*service.User, error) {
			next := *u
			return service.Next(&next), nil
		}
		s.Users = func(_ context.Context, count int32) ([]*service.User, error) { return service.Sample(int(count)), nil }
		s.Bytes = func(_ context.Context, data []byte) ([]byte, error) { return bytes.Clone(data), nil }
		spoil(s)
		return func() error { return nil }, nil
	}
}

func planOf(name string) measure.Plan {
	return measure.Plan{Case: name, InFlight: 3, Measure: 100 * time.Millisecond, MaxCalls: 1 << 30, CheckEvery: 2}
}

// serve gives the answers to plans, but for the first, which says that the consumer is ready.
func serve(t *testing.T, connect Connect, plans ...measure.Plan) ([]measure.Answer, error) {
	t.Helper()
	var in, out bytes.Buffer
	for _, p := range plans {
		if err := json.NewEncoder(&in).Encode(p); err != nil {
			t.Fatal(err)
		}
	}
	failure := Serve(t.Context(), "127.0.0.1:1", connect, &in, &out)
	var answers []measure.Answer
	for d := json.NewDecoder(&out); d.More(); {
		var a measure.Answer
		if err := d.Decode(&a); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, a)
	}
	if len(answers) == 0 || answers[0] != (measure.Answer{}) {
		t.Fatalf("answers %+v do not begin with an empty one", answers)
	}
	return answers[1:], failure
}

func TestEveryCaseIsAnswered(t *testing.T) {
	t.Parallel()
	names := []string{"echo", "user", "users100", "bytes1k", "bytes64k"}
	var plans []measure.Plan
	for _, n := range names {
		plans = append(plans, planOf(n))
	}
	answers, err := serve(t, inMemory(func(*Service) {}), plans...)
	if err != nil || len(answers) != len(names) {
		t.Fatalf("%d answers, %v; want %d", len(answers), err, len(names))
	}
	for i, a := range answers {
		if a.Calls == 0 || a.Checked < a.Calls/2 || a.P50 > a.P99 || a.Error != "" {
			t.Errorf("%s: answer %+v does not hold together", names[i], a)
		}
	}
}

func TestACallThatFailsOrIsAnsweredWronglyEndsAll(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, plan, fault string
		spoil             func(*Service)
	}{
		{"an error", "echo", "no provider", func(s *Service) {
			s.Echo = func(context.Context, string) (string, error) { return "", errors.New("no provider") }
		}},
		{"another text", "echo", "is not", func(s *Service) {
			s.Echo = func(context.Context, string) (string, error) { return "another", nil }
		}},
		{"no user", "user", "is not", func(s *Service) {
			s.User = func(context.Context, *service.User) (*service.User, error) { return nil, nil }
		}},
		{"another name", "user", "is not", func(s *Service) {
			s.User = func(_ context.Context, u *service.User) (*service.User, error) {
				next := *u
				next.Name = "another"
				return service.Next(&next), nil
			}
		}},
		{"too few users", "users100", "99 users", func(s *Service) {
			s.Users = func(context.Context, int32) ([]*service.User, error) { return service.Sample(99), nil }
		}},
		{"another user", "users100", "are not", func(s *Service) {
			s.Users = func(context.Context, int32) ([]*service.User, error) {
				users := service.Sample(100)
				users[5].Tags = nil
				return users, nil
			}
		}},
		{"other bytes", "bytes1k", "are not", func(s *Service) {
			s.Bytes = func(_ context.Context, data []byte) ([]byte, error) { return make([]byte, len(data)), nil }
		}},
		{"no such case", "bytes2k", "none of echo", func(*Service) {}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			answers, err := serve(t, inMemory(test.spoil), planOf(test.plan), planOf("echo"))
			if err == nil || len(answers) != 1 || answers[0].Error == "" || !strings.Contains(answers[0].Error, test.fault) {
				t.Errorf("answers %+v, error %v; want one that says %q", answers, err, test.fault)
			}
		})
	}
}

func TestLoopsStopAfterTheirCalls(t *testing.T) {
	t.Parallel()
	p := planOf("echo")
	p.MaxCalls = 10
	answers, err := serve(t, inMemory(func(*Service) {}), p)
	if err != nil || len(answers) != 1 || answers[0].Calls != 30 || answers[0].Checked != 15 {
		t.Errorf("answers %+v, %v; want 30 calls, 15 checked", answers, err)
	}
}
