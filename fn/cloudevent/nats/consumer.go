package nats

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/dubbofn/dubbofn/internal/cebind"
	"github.com/dubbofn/dubbofn/internal/deliver"
	"github.com/dubbofn/dubbofn/internal/eventurl"
	"github.com/dubbofn/dubbofn/invoker"
)

const (
	// askTimeout bounds each request to the server.
	askTimeout = 5 * time.Second
	// pullWait is how long a request for messages stays with the server: what a drain waits for at most before nothing more comes.
	pullWait = time.Second
	// endGrace is how long calls that were ended may take to notice.
	endGrace = 200 * time.Millisecond
)

// consumer takes events from one stream.
type consumer struct {
	cfg  config
	url  string // for people: without the password
	dest string // for dead letters: where the event could not be handled
	log  *slog.Logger
	conn *client.Conn
	js   jetstream.JetStream
	work *deliver.Worker

	window chan struct{}      // a place for each message that is here
	end    context.CancelFunc // ends the calls

	taking, keeping sync.WaitGroup

	pin string // of an ordered consumer: what the server calls this process's turn; of the one that takes

	mu   sync.Mutex
	here map[*message]struct{}
	back []*message // what is given back once nothing is taken any more: before, the server would deliver it here again
}

// message is one that is here: unanswered.
type message struct {
	jetstream.Msg
	tried int // how often the server delivered it before
	id    string
	seq   uint64 // its place in the stream
}

// open connects and begins. It fails for what trying again would not cure; a server that is away is waited for in the background.
func open(ctx context.Context, u invoker.URL, app string, log *slog.Logger, handle deliver.Handler) (*consumer, error) {
	cfg, err := readConfig(u, app, log)
	if err != nil {
		return nil, err
	}
	conn, err := dial(cfg.servers, cfg.options)
	if err != nil {
		return nil, err
	}
	c := &consumer{cfg: cfg, url: u.String(), dest: u.Protocol + "://" + u.Address() + "/" + u.Path, log: log.With("stream", cfg.stream, "durable", cfg.durable), conn: conn, work: deliver.New(cfg.work, handle), here: map[*message]struct{}{}}
	places := 2 * cfg.work.Concurrency
	if cfg.order != "" {
		places = 8 * cfg.work.Concurrency // to find events of other keys behind those that wait for their own
	}
	c.window = make(chan struct{}, places)
	if c.js, err = jetstream.New(conn); err != nil {
		conn.Close()
		return nil, fmt.Errorf("nats: %w", err)
	}
	var pull jetstream.Consumer
	if conn.IsConnected() {
		if pull, err = c.prepare(ctx, u); err != nil && (!away(err) || ctx.Err() != nil) {
			conn.Close()
			return nil, err
		}
	}
	from := deliver.Origin{Broker: strings.Join(u.Addresses(defaultPort), ","), Queue: cfg.stream}
	run, end := context.WithCancel(deliver.From(context.WithoutCancel(ctx), from))
	c.end = end
	c.taking.Go(func() { c.run(run, u, pull) })
	return c, nil
}

// prepare finds the stream and the consumer, or makes what the URL allows to be made.
func (c *consumer) prepare(ctx context.Context, u invoker.URL) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	stream, err := c.js.Stream(ctx, c.cfg.stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) && c.cfg.create != nil {
		stream, err = c.js.CreateStream(ctx, jetstream.StreamConfig{Name: c.cfg.stream, Subjects: c.cfg.create})
	}
	if err != nil {
		return nil, fmt.Errorf("nats: stream %q of %s: %w", c.cfg.stream, c.url, err)
	}
	if c.cfg.dead != "" {
		home, err := c.js.StreamNameBySubject(ctx, c.cfg.dead)
		if err != nil {
			return nil, fmt.Errorf("nats: no stream takes dead=%q: make one, or add the subject to a stream: %w", c.cfg.dead, err)
		}
		if home == c.cfg.stream && c.cfg.subject == "" {
			return nil, fmt.Errorf("nats: dead=%q is in the stream %q itself: its dead letters would come back as events; name the events' subject", c.cfg.dead, home)
		}
	}
	pull, err := stream.Consumer(ctx, c.cfg.durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		pull, err = stream.CreateConsumer(ctx, c.cfg.consumer())
	}
	if err != nil {
		return nil, fmt.Errorf("nats: consumer %q of stream %q: %w", c.cfg.durable, c.cfg.stream, err)
	}
	faults := eventurl.New(invoker.URL{Protocol: u.Protocol, Host: u.Host, Port: u.Port, Path: u.Path})
	c.cfg.check(pull.CachedInfo().Config, faults)
	if w := pull.CachedInfo().Config.AckWait; w > 0 {
		c.cfg.ackWait = w
	}
	return pull, faults.Err()
}

// run takes messages until the worker stops.
func (c *consumer) run(ctx context.Context, u invoker.URL, pull jetstream.Consumer) {
	for n := 1; pull == nil; n++ {
		if !c.work.Pause(c.work.Backoff(n), nil) {
			return
		}
		var err error
		if pull, err = c.prepare(ctx, u); err != nil {
			pull = nil
			c.log.Warn("nats: can't consume yet", "server", c.url, "error", err)
		}
	}
	c.log.Info("nats: consuming", "server", c.url)
	c.keeping.Go(func() { c.keep(ctx) })
	for {
		n, ok := c.room()
		if !ok {
			return
		}
		if err := c.take(ctx, pull, n); err != nil {
			c.log.Warn("nats: no messages", "error", err)
			if !c.work.Pause(time.Second, nil) {
				return
			}
		}
	}
}

// room waits for places, and takes them: a quarter of all at least, so that not each event costs a request of its own.
func (c *consumer) room() (n int, ok bool) {
	least := max(1, cap(c.window)/4)
	for n < least {
		select {
		case c.window <- struct{}{}:
			n++
		case <-c.work.Stopping():
			c.give(n)
			return 0, false
		}
	}
	for n < cap(c.window) {
		select {
		case c.window <- struct{}{}:
			n++
		default:
			return n, true
		}
	}
	return n, true
}

func (c *consumer) give(n int) {
	for range n {
		<-c.window
	}
}

// take asks for n messages, for which there are places.
func (c *consumer) take(ctx context.Context, pull jetstream.Consumer, n int) error {
	options := []jetstream.FetchOpt{jetstream.FetchMaxWait(pullWait)}
	if c.cfg.order != "" {
		options = append(options, jetstream.FetchPriorityGroup(group))
	}
	batch, err := pull.Fetch(n, options...)
	if err != nil {
		c.give(n)
		return err
	}
	var held []*message
	for raw := range batch.Messages() {
		m := c.note(raw)
		if held != nil || c.newTurn(raw) {
			held = append(held, m)
			continue
		}
		n--
		c.accept(ctx, m)
	}
	c.give(n)
	if held != nil {
		return c.takeOver(ctx, pull, held)
	}
	if err := batch.Error(); err != nil && !away(err) && !errors.Is(err, jetstream.ErrPinIDMismatch) {
		return err
	}
	return nil
}

// note registers a message that is here.
func (c *consumer) note(raw jetstream.Msg) *message {
	m := &message{Msg: raw}
	if meta, err := raw.Metadata(); err == nil {
		m.tried = int(meta.NumDelivered) - 1
		m.seq = meta.Sequence.Stream
		m.id = fmt.Sprintf("%s/%d", meta.Stream, m.seq)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.here[m] = struct{}{}
	return m
}

// accept hands one message to the worker, in the order in which they come. It has a place, which it gives back.
func (c *consumer) accept(ctx context.Context, m *message) {
	if c.stopping() {
		c.giveBack(m)
		<-c.window
		return
	}
	e, err := cebind.NATS.Read(headersOf(m), m.Data())
	key := ""
	if err == nil && c.cfg.order != "" {
		key, _ = cebind.Attribute(e, c.cfg.order)
	}
	c.work.Add(key, func() {
		defer func() { <-c.window }()
		switch {
		case err != nil:
			c.bury(ctx, m, nil, deliver.Result{Code: 400, Reason: err.Error()})
		case c.cfg.work.Attempts > 0 && m.tried >= c.cfg.work.Attempts:
			c.bury(ctx, m, &e, deliver.Result{Code: 500, Reason: fmt.Sprintf("delivered %d times without an answer: the process ended each time, or took too long", m.tried)})
		default:
			switch v := c.work.Settle(ctx, e, m.tried, c.cfg.order != "", nil); {
			case v.Done:
				c.answer(m, m.Ack)
			case v.Dead:
				c.bury(ctx, m, &e, v.Result)
			case c.stopping():
				c.giveBack(m)
			default:
				c.answer(m, func() error { return m.NakWithDelay(v.Later) })
			}
		}
	})
}

// bury sends a message to the dead letters, as the event e or, where it is none, as it came, and ends it. What can't be sent comes again.
func (c *consumer) bury(ctx context.Context, m *message, e *event.Event, r deliver.Result) {
	log := c.log.With("message", m.id, "reason", r.Reason)
	if e != nil {
		log = log.With("type", e.Type(), "source", e.Source(), "id", e.ID())
	}
	if c.cfg.dead == "" {
		log.Error("nats: event dropped: it can't be handled, and there is no subject for dead letters")
		c.answer(m, m.Term)
		return
	}
	letter := &client.Msg{Subject: c.cfg.dead, Header: client.Header{}}
	if e != nil {
		var headers []cebind.Header
		headers, letter.Data = cebind.NATS.Write(deliver.Dead(*e, c.dest, r))
		setHeaders(letter.Header, headers)
	} else {
		letter.Header, letter.Data = maps.Clone(m.Headers()), m.Data()
		if letter.Header == nil {
			letter.Header = client.Header{}
		}
		for _, x := range deliver.Marks(c.dest, r) {
			letter.Header.Set(cebind.NATS.Prefix+x[0], x[1])
		}
	}
	letter.Header.Set(jetstream.MsgIDHeader, "dead/"+c.cfg.durable+"/"+m.id) // sent again, it is kept once
	sent := c.work.Persist(nil, func() error {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		_, err := c.js.PublishMsg(ctx, letter)
		if err != nil {
			log.Warn("nats: dead letter not taken, to be sent again", "subject", c.cfg.dead, "error", err)
		}
		return err
	})
	if !sent {
		c.giveBack(m)
		return
	}
	log.Warn("nats: event sent to the dead letters", "subject", c.cfg.dead)
	c.answer(m, m.Ack)
}

// answer tells the server what became of a message. An answer that is lost costs a delivery more, no event.
func (c *consumer) answer(m *message, how func() error) {
	c.forget(m)
	if err := how(); err != nil {
		c.log.Warn("nats: the server was not told, and delivers the message again", "message", m.id, "error", err)
	}
}

func (c *consumer) stopping() bool {
	select {
	case <-c.work.Stopping():
		return true
	default:
		return false
	}
}

func (c *consumer) giveBack(m *message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.back = append(c.back, m)
}

// returnAll gives back what was not handled, in the order of the stream, which is the order in which it comes again.
func (c *consumer) returnAll() {
	c.mu.Lock()
	back := c.back
	c.back = nil
	c.mu.Unlock()
	slices.SortFunc(back, func(a, b *message) int { return cmp.Compare(a.seq, b.seq) })
	for _, m := range back {
		c.answer(m, m.Nak)
	}
}

func (c *consumer) forget(m *message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.here, m)
}

// keep tells the server, before it would deliver a message again, that it is still being worked on.
func (c *consumer) keep(ctx context.Context) {
	t := time.NewTicker(c.cfg.ackWait / 3)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		c.mu.Lock()
		all := slices.Collect(maps.Keys(c.here))
		c.mu.Unlock()
		for _, m := range all {
			_ = m.InProgress() // answered meanwhile, or not connected: then the next time
		}
	}
}

// drain takes nothing more, lets what runs end, and ends what does not within ctx. Everything that is not handled goes back to the server.
func (c *consumer) drain(ctx context.Context) error {
	c.work.Stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.taking.Wait()
		c.work.Wait()
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = fmt.Errorf("nats: drain %s: %w; what still ran was ended, and is delivered again", c.url, ctx.Err())
		c.end()
		select {
		case <-done:
		case <-time.After(endGrace): // a call that does not listen ends with the process
		}
	}
	c.end()
	c.keeping.Wait()
	c.returnAll()
	if c.conn.IsConnected() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		err = errors.Join(err, c.conn.FlushWithContext(last)) // the answers
		if c.cfg.order != "" {
			c.unpin(last)
		}
	}
	c.conn.Close()
	return err
}

// unpin lets another process take over at once.
func (c *consumer) unpin(ctx context.Context) {
	if s, err := c.js.Stream(ctx, c.cfg.stream); err == nil {
		err = s.UnpinConsumer(ctx, c.cfg.durable, group)
		if err != nil {
			c.log.Warn("nats: the next process waits until this one is forgotten", "error", err)
		}
	}
}

func headersOf(m jetstream.Msg) []cebind.Header {
	var all []cebind.Header
	for name, values := range m.Headers() {
		if len(values) > 0 {
			all = append(all, cebind.Header{Name: name, Value: values[len(values)-1]})
		}
	}
	return all
}

func setHeaders(to client.Header, from []cebind.Header) {
	for _, h := range from {
		to.Set(h.Name, h.Value)
	}
}
