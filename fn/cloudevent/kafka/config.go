package kafka

import (
	"log/slog"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/dubbofn/dubbofn/internal/deliver"
	"github.com/dubbofn/dubbofn/internal/eventurl"
	"github.com/dubbofn/dubbofn/invoker"
)

const (
	defaultPort = 9092
	// fetchBytes bounds what one answer of a broker may hold, partitionBytes what it may hold of one partition; both are passed over for a
	// single record that is larger, up to readBytes.
	fetchBytes, partitionBytes, readBytes = 8 << 20, 1 << 20, 64 << 20
	// fetchWait is how long a broker may wait for records: for so long a partition that was paused may have to wait for its next ones.
	fetchWait        = 500 * time.Millisecond
	rebalanceTimeout = time.Minute
	commitEvery      = time.Second
	// newTopicAsks is how often more it is asked for a topic that isn't there, newTopicPause how long after the last time.
	newTopicAsks, newTopicPause = 5, 200 * time.Millisecond
	// keptRecords and keptBytes are what of a partition may be here, waiting to be handled, before no more of it is fetched.
	keptRecords, keptBytes = 256, 4 << 20
	// endGrace is how long calls that were ended may take to notice.
	endGrace = 200 * time.Millisecond
	// askTimeout bounds each request of ours, openTimeout those that a start waits for.
	askTimeout, openTimeout = 10 * time.Second, 3 * time.Second
)

// The ways to keep order, beside an attribute's name.
const (
	orderPartition = "partition" // as Kafka does: a partition's records one after the other
	orderKey       = "key"       // those of a record's key
	orderNone      = "none"
)

// config is what a source's URL says.
type config struct {
	options []kgo.Opt
	topic   string
	group   string
	create  int    // the partitions of a topic that may be made where there is none; 0: it must exist
	order   string // one of the above, or an attribute
	dead    string // the topic of dead letters; "": none
	revoke  time.Duration
	work    deliver.Config
}

func readConfig(u invoker.URL, app string, log *slog.Logger) (config, error) {
	s := eventurl.New(u)
	c := config{topic: u.Path, group: s.Text("group", app), create: s.Int("create", 0, 1, 10_000), order: s.Text("order", orderPartition), dead: s.Text("dead", "")}
	c.options = connection(s, u, app, log)
	offset := kgo.NewOffset().AtStart()
	if s.OneOf("from", "first", "new") == "new" {
		offset = kgo.NewOffset().AtEnd()
	}
	if id := s.Text("instance", ""); id != "" {
		c.options = append(c.options, kgo.InstanceID(id))
	}
	session := s.Duration("session", 45*time.Second, 6*time.Second, 5*time.Minute)
	c.revoke = s.Duration("revoke", 20*time.Second, 0, rebalanceTimeout*3/4)
	attempts := 10
	if c.dead == "" {
		attempts = 0 // there is nowhere to put what is given up
	}
	c.work = deliver.Config{
		Concurrency: s.Int("concurrency", 10, 1, 10_000), Attempts: s.Int("attempts", attempts, 0, 1_000_000),
		FirstWait: s.Duration("wait", time.Second, time.Millisecond, time.Hour), LongestWait: s.Duration("longestwait", time.Minute, time.Millisecond, 24*time.Hour),
	}
	if !validTopic(c.topic) {
		s.Fault("topic %q: want its name as the path, kafka://host:9092/TOPIC", c.topic)
	}
	if c.group == "" {
		s.Fault("group=%q: want a name", c.group)
	}
	if c.dead != "" && (!validTopic(c.dead) || c.dead == c.topic) {
		s.Fault("dead=%q: want another topic's name", c.dead)
	}
	if c.dead == "" && c.work.Attempts > 0 {
		s.Fault("attempts=%d without dead: name the topic that takes what is given up", c.work.Attempts)
	}
	c.options = append(c.options,
		kgo.ConsumerGroup(c.group), kgo.ConsumeTopics(c.topic), kgo.ConsumeResetOffset(offset), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(), kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(session), kgo.HeartbeatInterval(min(3*time.Second, session/3)), kgo.RebalanceTimeout(rebalanceTimeout),
		kgo.FetchMaxWait(fetchWait), kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(partitionBytes), kgo.BrokerMaxReadBytes(readBytes), kgo.MaxConcurrentFetches(2),
	)
	return c, s.Err()
}

// connection reads what of a URL says how to connect: hosts, SASL and TLS.
func connection(s *eventurl.Settings, u invoker.URL, app string, log *slog.Logger) []kgo.Opt {
	options := []kgo.Opt{
		kgo.SeedBrokers(u.Addresses(defaultPort)...), kgo.ClientID(clientID(app)), kgo.WithLogger(logger{log}),
		kgo.RecordDeliveryTimeout(askTimeout), kgo.RequiredAcks(kgo.AllISRAcks()),
	}
	if u.Host == "" {
		s.Fault("no host: want kafka://host:9092/…")
	}
	switch kind := s.OneOf("sasl", "plain", "scram-sha-256", "scram-sha-512"); {
	case u.User == "":
	case kind == "plain":
		options = append(options, kgo.SASL(plain.Auth{User: u.User, Pass: u.Password}.AsMechanism()))
	case kind == "scram-sha-256":
		options = append(options, kgo.SASL(scram.Auth{User: u.User, Pass: u.Password}.AsSha256Mechanism()))
	case kind == "scram-sha-512":
		options = append(options, kgo.SASL(scram.Auth{User: u.User, Pass: u.Password}.AsSha512Mechanism()))
	}
	if t := s.TLS(log); t != nil {
		options = append(options, kgo.DialTLSConfig(t))
	}
	return options
}

func clientID(app string) string {
	if app == "" {
		return "dubbofn"
	}
	return app
}

func validTopic(s string) bool {
	if s == "" || s == "." || s == ".." || len(s) > 249 {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == ""
}

// logger passes on what the client has to say of trouble. Its own informational lines are of interest to its authors.
type logger struct{ log *slog.Logger }

func (l logger) Level() kgo.LogLevel { return kgo.LogLevelWarn }

func (l logger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	if level == kgo.LogLevelError {
		l.log.Error("kafka: "+msg, keyvals...)
		return
	}
	l.log.Warn("kafka: "+msg, keyvals...)
}
