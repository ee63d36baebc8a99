// Command storm sends events through a broker to a function that it kills every few seconds, and counts what became of them: each event's effect is there,
// one that is there twice was under way when its process was killed, and what was sent twice ran once.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
)

// broker is one that events go through.
type broker interface {
	// prepare makes what the function takes events from, and where its dead letters go.
	prepare(ctx context.Context) error
	send(ctx context.Context, e event.Event, key string) error
	// left is how many messages are not acknowledged.
	left(ctx context.Context) (int64, error)
	dead(ctx context.Context) (int64, error)
	// source is what the function is told.
	source() string
	close()
}

const (
	keys   = 50
	poison = 500 // every so many-th event can't be handled
	again  = 20  // every so many-th event is sent twice
)

func main() {
	kind := flag.String("broker", "nats", "nats or kafka")
	address := flag.String("address", "127.0.0.1:14222", "the broker's host:port")
	function := flag.String("function", "", "the function's program")
	dir := flag.String("dir", "", "where effects and logs go")
	seen := flag.String("seen", "", "the URL of the store that finds duplicates")
	events := flag.Int("events", 10_000, "how many events")
	calm := flag.Duration("calm", 2*time.Second, "how long a process may work before it is killed")
	limit := flag.Duration("limit", 10*time.Minute, "how long it may take")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), *limit)
	defer cancel()
	var b broker
	var err error
	switch *kind {
	case "nats":
		b, err = newNATS(*address)
	case "kafka":
		b, err = newKafka(*address)
	default:
		err = fmt.Errorf("broker %q: want nats or kafka", *kind)
	}
	if err == nil {
		s := &storm{broker: b, kind: *kind, program: *function, dir: *dir, seen: *seen, events: *events, calm: *calm}
		err = s.run(ctx)
		b.close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "storm:", err)
		os.Exit(1) //nolint:gocritic // the context ends with the process
	}
}

type storm struct {
	broker  broker
	kind    string
	program string
	dir     string
	seen    string
	events  int
	calm    time.Duration
	kills   []kill
	sent    int // messages, those sent twice counted twice
	poison  int
}

// kill is the end of one process.
type kill struct {
	pid int
	at  time.Time
}

func (s *storm) run(ctx context.Context) error {
	if err := os.RemoveAll(s.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	if err := s.broker.prepare(ctx); err != nil {
		return err
	}
	begun := time.Now()
	sending := make(chan error, 1)
	go func() { sending <- s.send(ctx) }()
	err := s.kill(ctx, sending)
	if err != nil {
		return err
	}
	return s.report(ctx, time.Since(begun))
}

// awayFor is how long a request may wait for a broker that is away.
const awayFor = 5 * time.Second

// send sends every event, some of them twice, and a poison event now and then.
func (s *storm) send(ctx context.Context) error {
	source := fmt.Sprintf("/storm/%s/%d", s.kind, time.Now().Unix()) // other events than those of an earlier run, of which the store still knows
	for i := range s.events {
		key := fmt.Sprintf("k%d", i%keys)
		e := event.New()
		e.SetID(fmt.Sprintf("%d", i))
		e.SetSource(source)
		e.SetType("org.example.order.placed")
		data := map[string]any{"id": e.ID(), "key": key, "seq": i / keys}
		if i%poison == poison-1 {
			data["key"] = "poison"
			s.poison++
		}
		if err := e.SetData("application/json", data); err != nil {
			return err
		}
		times := 1
		if i%again == again-1 && data["key"] != "poison" {
			times = 2
		}
		for range times {
			for err := s.broker.send(ctx, e, key); err != nil; err = s.broker.send(ctx, e, key) {
				if ctx.Err() != nil {
					return fmt.Errorf("send event %d: %w", i, err)
				}
				time.Sleep(200 * time.Millisecond) // the broker is away; what it took without a word is there twice
			}
			s.sent++
		}
	}
	return nil
}

// kill starts the function again and again, and kills it after it has worked for a while, until everything is acknowledged.
func (s *storm) kill(ctx context.Context, sending <-chan error) error {
	allSent := false
	for {
		cmd, exited, err := s.start()
		if err != nil {
			return err
		}
		before := s.lines()
		var working time.Time
		span := s.calm/2 + rand.N(s.calm)
		for done := false; !done; {
			select {
			case <-ctx.Done():
				_ = cmd.Process.Kill()
				<-exited
				left, _ := s.broker.left(context.WithoutCancel(ctx))
				return fmt.Errorf("%w: %d effects of %d events, %d messages not acknowledged", ctx.Err(), s.lines(), s.events, left)
			case err := <-sending:
				if err != nil {
					return err
				}
				allSent, sending = true, nil
				fmt.Printf("%d messages sent\n", s.sent)
			case err := <-exited:
				return fmt.Errorf("the function ended by itself: %w; see %s", err, s.dir)
			case <-time.After(50 * time.Millisecond):
			}
			if allSent {
				if left, err := s.broker.left(ctx); err == nil && left == 0 { // the broker may be away for a while
					return s.end(cmd, exited)
				}
			}
			if working.IsZero() && s.lines() > before {
				working = time.Now()
			}
			done = !working.IsZero() && time.Since(working) > span
		}
		s.kills = append(s.kills, kill{cmd.Process.Pid, time.Now()})
		_ = cmd.Process.Kill()
		<-exited
	}
}

// end lets the last process drain.
func (s *storm) end(cmd *exec.Cmd, exited <-chan error) error {
	begun := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := <-exited; err != nil {
		return fmt.Errorf("after SIGTERM: %w; see %s", err, s.dir)
	}
	fmt.Printf("the last process drained in %v\n", time.Since(begun).Round(time.Millisecond))
	return nil
}

func (s *storm) start() (*exec.Cmd, <-chan error, error) {
	log, err := os.Create(filepath.Join(s.dir, fmt.Sprintf("function-%d.log", len(s.kills))))
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(s.program)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(),
		"PLACED_EFFECTS="+s.effects(), "DUBBOFN_APP=placed", "PORT=0", "DUBBOFN_PORT=0", "DUBBOFN_BIND=127.0.0.1", "DUBBOFN_HOST=127.0.0.1", "DUBBOFN_REGISTRY=",
		"DUBBOFN_EVENTS_FROM="+s.broker.source(), "DUBBOFN_EVENTS_SEEN="+s.seen,
	)
	tie(cmd)
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	exited := make(chan error, 1)
	go func() {
		exited <- cmd.Wait()
		_ = log.Close()
	}()
	return cmd, exited, nil
}

func (s *storm) effects() string { return filepath.Join(s.dir, "effects") }

func (s *storm) lines() int {
	b, _ := os.ReadFile(s.effects())
	return strings.Count(string(b), "\n")
}
