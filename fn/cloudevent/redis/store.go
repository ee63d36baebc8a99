// Package redis lets processes share, in Redis, which events were handled: cloudevent.Events(redis.Seen), and DUBBOFN_EVENTS_SEEN=redis://….
package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	client "github.com/redis/go-redis/v9"

	"github.com/dubbofn/dubbofn/fn/cloudevent"
	"github.com/dubbofn/dubbofn/internal/eventurl"
	"github.com/dubbofn/dubbofn/internal/leases"
	"github.com/dubbofn/dubbofn/invoker"
)

const (
	defaultPort = 6379
	// claimFor is how long an event stays claimed by a process that died; while it lives, it renews the claim.
	claimFor = 5 * time.Second
	// maxRecordBytes bounds what is kept of one event: without it, the event is known as handled all the same.
	maxRecordBytes = 8 << 20
)

// Seen is the adapter for "redis" URLs: redis://[user:password@]host[:6379][,host2…]/[DATABASE]?prefix=…&lease=5s, with tls, ca, cert, key and servername for
// TLS. Several hosts are a cluster, or, with master=NAME, the sentinels of one.
const Seen = adapter("redis")

type adapter string

// Name gives "redis".
func (a adapter) Name() string { return string(a) }

// OpenSeen makes a client, which connects when it is asked.
func (a adapter) OpenSeen(ctx context.Context, u invoker.URL, c cloudevent.SeenConfig) (cloudevent.Seen, error) {
	s := eventurl.New(u)
	o := &client.UniversalOptions{
		Addrs: u.Addresses(defaultPort), Username: u.User, Password: u.Password, ClientName: clientName(c.App), MasterName: s.Text("master", ""),
		TLSConfig: s.TLS(c.Log), ContextTimeoutEnabled: true, DialTimeout: 2 * time.Second, ReadTimeout: 2 * time.Second, WriteTimeout: 2 * time.Second,
	}
	if u.User != "" && u.Password == "" { // redis://secret@host, as many write it
		o.Username, o.Password = "", u.User
	}
	if u.Path != "" {
		if _, err := fmt.Sscanf(u.Path, "%d", &o.DB); err != nil || fmt.Sprint(o.DB) != u.Path || o.DB < 0 {
			s.Fault("database %q: want its number as the path, redis://host:6379/0", u.Path)
		}
	}
	st := &store{prefix: s.Text("prefix", "dubbofn:seen:"+c.App+":"), window: c.For, lease: s.Duration("lease", claimFor, 100*time.Millisecond, time.Hour)}
	if u.Host == "" {
		s.Fault("no host: want redis://host:6379")
	}
	if len(o.Addrs) > 1 && o.MasterName == "" && o.DB != 0 {
		s.Fault("database %d: a cluster has 0 alone", o.DB)
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	st.cl = client.NewUniversalClient(o)
	st.keeper = leases.New(ctx, st.lease/3)
	return st, nil
}

// clientName makes a name as Redis takes it of an application's.
func clientName(app string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '-'
		}
		return r
	}, app)
}

// The first byte of a value says what it is: behind running stands who has the event, behind done the record.
const (
	running = 'r'
	done    = 'd'
)

// extend and release touch an event only while it is still the caller's: another process has it once the lease was over.
var (
	extend  = client.NewScript(`if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("pexpire", KEYS[1], ARGV[2]) end return 0`)
	release = client.NewScript(`if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) end return 0`)
)

// store keeps events as keys that expire.
type store struct {
	cl     client.UniversalClient
	prefix string
	window time.Duration
	lease  time.Duration
	keeper *leases.Keeper
}

// Begin implements [cloudevent.Seen].
func (s *store) Begin(ctx context.Context, key string, most time.Duration) (cloudevent.Claim, error) {
	key = s.prefix + key
	token := string(running) + rand.Text()
	short := min(s.lease, most)
	for range 3 { // what is there may expire between two questions, though hardly twice
		err := s.cl.SetArgs(ctx, key, token, client.SetArgs{Mode: "NX", TTL: short}).Err()
		if err == nil {
			return s.claim(key, token, most), nil
		}
		if !errors.Is(err, client.Nil) {
			return cloudevent.Claim{}, fmt.Errorf("redis: begin event: %w", err)
		}
		value, err := s.cl.Get(ctx, key).Bytes()
		switch {
		case errors.Is(err, client.Nil):
			continue
		case err != nil:
			return cloudevent.Claim{}, fmt.Errorf("redis: begin event: %w", err)
		case string(value) == token: // the first answer was lost, and the client asked again
			return s.claim(key, token, most), nil
		case len(value) > 0 && value[0] == done:
			return cloudevent.Claim{State: cloudevent.SeenDone, Record: value[1:]}, nil
		}
		return cloudevent.Claim{State: cloudevent.SeenRunning}, nil
	}
	return cloudevent.Claim{State: cloudevent.SeenRunning}, nil
}

func (s *store) claim(key, token string, most time.Duration) cloudevent.Claim {
	end := s.keeper.Keep(most, func(ctx context.Context) error {
		return extend.Run(ctx, s.cl, []string{key}, token, s.lease.Milliseconds()).Err()
	})
	return cloudevent.Claim{
		State: cloudevent.SeenNew,
		// Whoever has the event now, it was handled.
		Finish: func(ctx context.Context, record []byte) error {
			end()
			if len(record) > maxRecordBytes {
				record = nil
			}
			if err := s.cl.Set(ctx, key, append([]byte{done}, record...), s.window).Err(); err != nil {
				return fmt.Errorf("redis: finish event: %w", err)
			}
			return nil
		},
		Forget: func(ctx context.Context) error {
			end()
			if err := release.Run(ctx, s.cl, []string{key}, token).Err(); err != nil {
				return fmt.Errorf("redis: forget event: %w", err)
			}
			return nil
		},
	}
}

// Close disconnects. It is idempotent.
func (s *store) Close(context.Context) error {
	s.keeper.Close()
	if err := s.cl.Close(); err != nil && !errors.Is(err, client.ErrClosed) {
		return fmt.Errorf("redis: %w", err)
	}
	return nil
}
