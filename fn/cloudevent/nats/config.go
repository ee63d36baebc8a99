package nats

import (
	"log/slog"
	"strings"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/dubbofn/dubbofn/internal/deliver"
	"github.com/dubbofn/dubbofn/internal/eventurl"
	"github.com/dubbofn/dubbofn/invoker"
)

// config is what a source's URL says.
type config struct {
	servers string
	options []client.Option

	stream  string
	subject string   // "": all of the stream
	durable string   // the consumer's name
	create  []string // the subjects of a stream that may be made where there is none
	newest  bool     // a consumer that is made begins with what comes from now on
	ackWait time.Duration
	order   string // the attribute whose equal values are kept in order; "": none
	dead    string // the subject of dead letters; "": none
	work    deliver.Config
}

func readConfig(u invoker.URL, app string, log *slog.Logger) (config, error) {
	s := eventurl.New(u)
	c := config{stream: u.Path, subject: s.Text("subject", ""), durable: s.Text("durable", safeName(app)), dead: s.Text("dead", "")}
	c.servers, c.options = connection(s, u, app, log)
	if create := s.Text("create", ""); create != "" {
		c.create = strings.Split(create, ",")
	}
	c.newest = s.OneOf("from", "first", "new") == "new"
	c.ackWait = s.Duration("ackwait", 30*time.Second, time.Second, time.Hour)
	c.order = s.Text("order", "")
	attempts := 10
	if c.dead == "" {
		attempts = 0 // there is nowhere to put what is given up
	}
	c.work = deliver.Config{
		Concurrency: s.Int("concurrency", 10, 1, 10_000), Attempts: s.Int("attempts", attempts, 0, 1_000_000),
		FirstWait: s.Duration("wait", time.Second, time.Millisecond, time.Hour), LongestWait: s.Duration("longestwait", time.Minute, time.Millisecond, 24*time.Hour),
	}
	if !validName(c.stream) {
		s.Fault("stream %q: want its name as the path, nats://host:4222/STREAM", c.stream)
	}
	if !validName(c.durable) {
		s.Fault("durable=%q: want a name without spaces, dots, *, > and slashes", c.durable)
	}
	if c.dead == "" && c.work.Attempts > 0 {
		s.Fault("attempts=%d without dead: name the subject that takes what is given up", c.work.Attempts)
	}
	if strings.ContainsAny(c.dead, "*> ") {
		s.Fault("dead=%q: want one subject", c.dead)
	}
	if c.dead != "" && c.subject != "" && covers(c.subject, c.dead) {
		s.Fault("dead=%q is one of subject=%q: its dead letters would come back as events", c.dead, c.subject)
	}
	return c, s.Err()
}

// orderedPending is how many events of an ordered consumer may be unanswered.
const orderedPending = 1000

// group is the one priority group of an ordered consumer.
const group = "order"

// consumer is what is made where there is no such consumer yet.
func (c *config) consumer() jetstream.ConsumerConfig {
	cc := jetstream.ConsumerConfig{
		Durable: c.durable, FilterSubject: c.subject, AckPolicy: jetstream.AckExplicitPolicy, AckWait: c.ackWait,
		MaxDeliver:    -1,     // the server would drop what it gives up; a dead letter is ours to send
		MaxAckPending: 10_000, // events that rest before they are tried again count here, and must not keep others out
	}
	if c.newest {
		cc.DeliverPolicy = jetstream.DeliverNewPolicy
	}
	if c.order != "" {
		// One process at a time gets events, and another takes over when it has been silent for a while. It waits for what that one left (order.go), for
		// which it has to keep what comes meanwhile.
		cc.MaxAckPending = orderedPending
		cc.PriorityGroups, cc.PriorityPolicy, cc.PinnedTTL = []string{group}, jetstream.PriorityPolicyPinned, c.ackWait+c.ackWait/2
	}
	return cc
}

// check tells whether a consumer that is there already does what is promised here.
func (c *config) check(have jetstream.ConsumerConfig, s *eventurl.Settings) {
	if have.AckPolicy != jetstream.AckExplicitPolicy {
		s.Fault("consumer %q acknowledges %v: want explicit", c.durable, have.AckPolicy)
	}
	if have.MaxDeliver > 0 && (c.work.Attempts == 0 || have.MaxDeliver <= c.work.Attempts) {
		s.Fault("consumer %q gives an event up after %d deliveries, and nobody hears of it: want max deliver -1, or more than attempts=%d", c.durable, have.MaxDeliver, c.work.Attempts)
	}
	if have.FilterSubject != c.subject {
		s.Fault("consumer %q has the subject %q: want %q, or another durable", c.durable, have.FilterSubject, c.subject)
	}
	if c.order != "" && have.PriorityPolicy != jetstream.PriorityPolicyPinned {
		s.Fault("consumer %q has no pinned priority group, which order=%s needs (NATS 2.11): delete it, or choose another durable", c.durable, c.order)
	}
	if c.order == "" && len(have.PriorityGroups) > 0 {
		s.Fault("consumer %q has priority groups: want order, or another durable", c.durable)
	}
}

func validName(s string) bool { return s != "" && !strings.ContainsAny(s, " .*>/\\\t\r\n") }

// safeName makes a consumer's name of an application's.
func safeName(app string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" .*>/\\\t\r\n", r) {
			return '-'
		}
		return r
	}, app)
}

// covers tells whether a subject with wildcards takes another one.
func covers(pattern, subject string) bool {
	p, s := strings.Split(pattern, "."), strings.Split(subject, ".")
	for i, token := range p {
		if token == ">" {
			return len(s) > i
		}
		if i >= len(s) || (token != "*" && token != s[i]) {
			return false
		}
	}
	return len(p) == len(s)
}
