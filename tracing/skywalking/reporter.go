package skywalking

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/SkyAPM/go2sky"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	agent "skywalking.apache.org/repo/goapi/collect/language/agent/v3"

	"github.com/dubbofn/dubbofn/internal/eventurl"
	"github.com/dubbofn/dubbofn/internal/spool"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/tracing"
)

const (
	defaultPort = 11800
	partSize    = 128 // segments in one message
	// closeTimeout is what Close, which go2sky gives no time, may take.
	closeTimeout = 2 * time.Second
)

// Reporter sends segments to an OAP server. It is a go2sky.Reporter: a program that has a go2sky.Tracer can send by it too, whose own reporter loses
// what it holds when it is closed. Nothing of it blocks; what can't be sent waits, bounded in number and bytes, and is dropped and counted beyond that. A
// batch counts as sent when the server has acknowledged it; one whose acknowledgement was lost is sent again. Safe for concurrent use.
type Reporter struct {
	service, instance, layer string
	token                    string
	log                      *slog.Logger
	conn                     connection
	spool                    *spool.Spool[[]go2sky.ReportedSpan]

	begin  func() // the beats
	cancel context.CancelFunc
	beats  sync.WaitGroup
	boot   sync.Once
}

// NewReporter makes a reporter for skywalking://[token@]host:11800[,host…][?parameters]: tls=true, ca, cert, key and servername for TLS, and queue, the
// segments that may wait (16384; they weigh 16 MiB at most). The token is what the server was given as its authentication. It connects later.
func NewReporter(u invoker.URL, c tracing.Config) (*Reporter, error) {
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	token, password := u.User, u.Password
	u.User, u.Password = "", "" // faults quote the URL
	s := eventurl.New(u)
	if password != "" {
		s.Fault("there is a password: want a token alone, token@host")
	}
	secure := s.TLS(log)
	room := s.Int("queue", 16<<10, 1, 1<<20)
	if u.Host == "" {
		s.Fault("there is no host")
	}
	if u.Path != "" {
		s.Fault("path %q: want none", u.Path)
	}
	if c.Service == "" {
		s.Fault("the service has no name")
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("skywalking: %w", err)
	}
	return newReporter(u.Addresses(defaultPort), token, secure, room, c, log), nil
}

func newReporter(addresses []string, token string, secure *tls.Config, room int, c tracing.Config, log *slog.Logger) *Reporter {
	r := &Reporter{service: c.Service, instance: c.Instance, token: token, log: log, conn: connection{addresses: addresses, secure: secure}}
	if r.instance == "" {
		host, _ := os.Hostname()
		one, _ := newIDs()
		r.instance = one + "@" + host
	}
	if c.Function {
		r.layer = "FAAS"
	}
	var base context.Context
	base, r.cancel = context.WithCancel(context.Background()) // of the reporter, not of whoever makes it: Shutdown ends it
	r.begin = func() { r.beats.Go(func() { r.beat(base) }) }
	r.spool = spool.New(base, spool.Config[[]go2sky.ReportedSpan]{
		Name: "skywalking", Send: r.collect, Refused: refused, Weigh: weigh, Log: log, Max: room,
	})
	return r
}

// Boot implements go2sky.Reporter: it begins to tell the server that the instance lives. The watchers are of go2sky's own dynamic configuration, which is
// not followed.
func (r *Reporter) Boot(service, instance string, _ []go2sky.AgentConfigChangeWatcher) {
	r.boot.Do(func() {
		if service != "" {
			r.service = service
		}
		if instance != "" {
			r.instance = instance
		}
		r.begin()
	})
}

// Send implements go2sky.Reporter: it takes a segment, the first span last.
func (r *Reporter) Send(spans []go2sky.ReportedSpan) {
	if len(spans) > 0 {
		r.spool.Put(spans)
	}
}

// Flush returns once every segment that was taken before is acknowledged, or with ctx's error.
func (r *Reporter) Flush(ctx context.Context) error { return r.spool.Flush(ctx) }

// Shutdown sends what is left for as long as ctx lasts and ends what the reporter started. Idempotent; the error tells how many spans were lost.
func (r *Reporter) Shutdown(ctx context.Context) error {
	r.conn.hurry()
	err := r.spool.Close(ctx)
	r.cancel()
	r.beats.Wait()
	return errors.Join(err, r.conn.close())
}

// Close implements go2sky.Reporter: it is [Reporter.Shutdown] within 2 s.
func (r *Reporter) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout) // go2sky hands over none
	defer cancel()
	if err := r.Shutdown(ctx); err != nil {
		r.log.Warn("skywalking: spans were lost at the end", "error", err)
	}
}

// Stats counts the spans of what was sent and dropped.
func (r *Reporter) Stats() tracing.Stats {
	st := r.spool.Stats()
	return tracing.Stats{Sent: st.Sent, Dropped: st.Dropped, Queued: st.Queued}
}

// collect sends a batch, in parts side by side since the server works each off in one thread, and waits for it to acknowledge all.
func (r *Reporter) collect(ctx context.Context, batch [][]go2sky.ReportedSpan) error {
	var parts sync.WaitGroup
	errs := make([]error, (len(batch)+partSize-1)/partSize)
	n := 0
	for part := range slices.Chunk(batch, partSize) {
		err := &errs[n]
		n++
		parts.Go(func() { *err = r.collectPart(ctx, part) })
	}
	parts.Wait()
	return errors.Join(errs...)
}

func (r *Reporter) collectPart(ctx context.Context, part [][]go2sky.ReportedSpan) error {
	segments := &agent.SegmentCollection{Segments: make([]*agent.SegmentObject, len(part))}
	for i, spans := range part {
		segments.Segments[i] = r.segment(spans)
	}
	return r.conn.with(func(c client) error {
		_, err := agent.NewTraceSegmentReportServiceClient(c).CollectInSync(r.signed(ctx), segments)
		return err
	})
}

// refused tells whether a batch may itself be why it was not taken: not where the server is away, slow or does not know us.
func refused(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented:
		return false
	default:
		return true
	}
}
