package nats

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/dubbofn/dubbofn/fn/cloudevent"
	"github.com/dubbofn/dubbofn/internal/eventurl"
	"github.com/dubbofn/dubbofn/internal/leases"
	"github.com/dubbofn/dubbofn/invoker"
)

// Seen is the adapter that lets processes share, in a key-value bucket of JetStream, which events were handled: nats://host[:4222]/BUCKET?lease=5s, and what
// says how to connect as [Source] has it. The bucket must exist, with a time to live of DUBBOFN_EVENTS_SEEN_FOR at least, unless create=true, which makes
// one.
const Seen = seenAdapter("nats")

type seenAdapter string

// Name gives "nats".
func (a seenAdapter) Name() string { return string(a) }

// claimFor is how long an event stays claimed by a process that died; while it lives, it renews the claim.
const claimFor = 5 * time.Second

// maxRecordBytes bounds what is kept of one event, below what servers take by default: without it, the event is known as handled all the same.
const maxRecordBytes = 900_000

// OpenSeen connects. A server that is away is waited for by those who ask.
func (a seenAdapter) OpenSeen(ctx context.Context, u invoker.URL, c cloudevent.SeenConfig) (cloudevent.Seen, error) {
	s := eventurl.New(u)
	servers, options := connection(s, u, c.App, c.Log)
	st := &seen{bucket: u.Path, app: safeName(c.App), window: c.For, create: s.Bool("create"), lease: s.Duration("lease", claimFor, 100*time.Millisecond, time.Hour)}
	if !validName(st.bucket) {
		s.Fault("bucket %q: want its name as the path, nats://host:4222/BUCKET", st.bucket)
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	conn, err := dial(servers, options)
	if err != nil {
		return nil, err
	}
	st.conn = conn
	if st.js, err = jetstream.New(conn); err != nil {
		conn.Close()
		return nil, fmt.Errorf("nats: %w", err)
	}
	if conn.IsConnected() {
		if _, err := st.open(ctx); err != nil && (!away(err) || ctx.Err() != nil) {
			conn.Close()
			return nil, err
		}
	}
	st.keeper = leases.New(ctx, st.lease/3)
	return st, nil
}

// seen keeps events as keys of a bucket.
type seen struct {
	bucket string
	app    string
	window time.Duration
	lease  time.Duration
	create bool
	conn   *client.Conn
	js     jetstream.JetStream
	keeper *leases.Keeper

	mu sync.Mutex
	kv jetstream.KeyValue // nil until the bucket was found
}

// open finds the bucket, or makes it where that is allowed.
func (s *seen) open(ctx context.Context) (jetstream.KeyValue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kv != nil {
		return s.kv, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	kv, err := s.js.KeyValue(ctx, s.bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) && s.create {
		kv, err = s.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: s.bucket, TTL: s.window, History: 1})
	}
	if err != nil {
		return nil, fmt.Errorf("nats: bucket %q: %w", s.bucket, err)
	}
	status, err := kv.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("nats: bucket %q: %w", s.bucket, err)
	}
	if ttl := status.TTL(); ttl != 0 && ttl < s.window {
		return nil, fmt.Errorf("nats: bucket %q forgets after %v: want DUBBOFN_EVENTS_SEEN_FOR=%v or less, or a longer time to live", s.bucket, ttl, ttl)
	}
	s.kv = kv
	return kv, nil
}

// A value's first byte says what it is. Behind running stand the end of the lease, as Unix milliseconds, and who has the event; behind done the end of
// the window, and the record. Ends are by the clocks of those who ask: they should agree to within a second.
const (
	running    = 'r'
	done       = 'd'
	headerSize = 9
)

func encode(kind byte, until time.Time, rest []byte) []byte {
	b := make([]byte, headerSize, headerSize+len(rest))
	b[0] = kind
	binary.BigEndian.PutUint64(b[1:], uint64(until.UnixMilli()))
	return append(b, rest...)
}

// Begin implements [cloudevent.Seen].
func (s *seen) Begin(ctx context.Context, key string, most time.Duration) (cloudevent.Claim, error) {
	kv, err := s.open(ctx)
	if err != nil {
		return cloudevent.Claim{}, err
	}
	key = s.app + "." + key
	mine := []byte(rand.Text())
	for range 3 { // others may be asking, too
		until := time.Now().Add(min(s.lease, most))
		revision, err := kv.Create(ctx, key, encode(running, until, mine))
		if err == nil {
			return s.claim(kv, key, mine, revision, most), nil
		}
		if !errors.Is(err, jetstream.ErrKeyExists) {
			return cloudevent.Claim{}, fmt.Errorf("nats: begin event: %w", err)
		}
		there, err := kv.Get(ctx, key)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			continue
		}
		if err != nil {
			return cloudevent.Claim{}, fmt.Errorf("nats: begin event: %w", err)
		}
		v := there.Value()
		if len(v) >= headerSize && time.Now().UnixMilli() < int64(binary.BigEndian.Uint64(v[1:])) {
			if v[0] == done {
				return cloudevent.Claim{State: cloudevent.SeenDone, Record: v[headerSize:]}, nil
			}
			return cloudevent.Claim{State: cloudevent.SeenRunning}, nil
		}
		// Its time is over. Of those who find that out, one takes it.
		revision, err = kv.Update(ctx, key, encode(running, until, mine), there.Revision())
		if err == nil {
			return s.claim(kv, key, mine, revision, most), nil
		}
		if !errors.Is(err, jetstream.ErrKeyRevisionMismatch) && !errors.Is(err, jetstream.ErrKeyExists) {
			return cloudevent.Claim{}, fmt.Errorf("nats: begin event: %w", err)
		}
	}
	return cloudevent.Claim{State: cloudevent.SeenRunning}, nil
}

func (s *seen) claim(kv jetstream.KeyValue, key string, mine []byte, revision uint64, most time.Duration) cloudevent.Claim {
	var mu sync.Mutex // a renewal under way and the end of the claim
	over := false
	stop := s.keeper.Keep(most, func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if over {
			return nil
		}
		next, err := kv.Update(ctx, key, encode(running, time.Now().Add(s.lease), mine), revision)
		if err == nil {
			revision = next
		}
		return err
	})
	end := func() (last uint64) {
		stop()
		mu.Lock()
		defer mu.Unlock()
		over = true
		return revision
	}
	return cloudevent.Claim{
		State: cloudevent.SeenNew,
		// Whoever has the event now, it was handled.
		Finish: func(ctx context.Context, record []byte) error {
			end()
			if len(record) > maxRecordBytes {
				record = nil
			}
			if _, err := kv.Put(ctx, key, encode(done, time.Now().Add(s.window), record)); err != nil {
				return fmt.Errorf("nats: finish event: %w", err)
			}
			return nil
		},
		Forget: func(ctx context.Context) error {
			err := kv.Purge(ctx, key, jetstream.LastRevision(end()))
			if err != nil && !errors.Is(err, jetstream.ErrKeyRevisionMismatch) && !errors.Is(err, jetstream.ErrKeyExists) {
				return fmt.Errorf("nats: forget event: %w", err)
			}
			return nil
		},
	}
}

// Close disconnects. It is idempotent.
func (s *seen) Close(context.Context) error {
	s.keeper.Close()
	s.conn.Close()
	return nil
}
