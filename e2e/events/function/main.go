// Command function is what events and Java consumers call in the tests of tracing. EVENTS_OFFERS says what it is:
//
//	chain   org.fixture.dubbo.PingService, which asks the provider of TypesService, and org.dubbofn.events.EventService, which events call
//	greet   org.example.GreetService, which asks nobody
//	echo    org.fixture.dubbo.TypesService's echoString, the provider in Go
//
// EVENTS_DIR names the folder for what EventService keeps.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/cloudevent"
	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/registry/nacos"
	"github.com/dubbofn/dubbofn/tracing/otlp"
	"github.com/dubbofn/dubbofn/tracing/skywalking"
)

func main() {
	offered, end, err := offer(os.Getenv("EVENTS_OFFERS"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "function:", err)
		os.Exit(1)
	}
	serve.Main(append(offered, nacos.Registry, skywalking.Tracer, otlp.Tracer)...)
	end() // after the drain
}

// offer gives the parts of one of the functions.
func offer(what string) (parts []serve.Part, end func(), err error) {
	switch what {
	case "greet":
		return []serve.Part{fn.NewService("org.example.GreetService", fn.Method("greet", greet))}, func() {}, nil
	case "echo":
		return []serve.Part{fn.NewService("org.fixture.dubbo.TypesService", fn.Method("echoString", echo))}, func() {}, nil
	case "chain":
		var c chain
		caller, err := c.connect(context.Background())
		if err != nil {
			return nil, nil, err
		}
		events := fn.NewService("org.dubbofn.events.EventService",
			fn.Method("tick", c.Tick), fn.Method("keep", c.Keep), fn.Method("busy", c.Busy), fn.Method("twice", c.Twice), fn.Method("broken", c.Broken), fn.OnEvent(rules()...))
		return []serve.Part{caller, cloudevent.Events(), fn.NewService("org.fixture.dubbo.PingService", fn.Method("ping", c.Ping)), events}, func() { _ = caller.Close() }, nil
	}
	return nil, nil, fmt.Errorf("EVENTS_OFFERS=%q: want chain, greet or echo", what)
}

// prefix is of the types of events that have a rule.
const prefix = "org.dubbofn."

func rules() []event.Rule {
	on := func(name string, args ...event.Arg) event.Rule {
		return event.Rule{On: event.Match{Type: prefix + name}, Call: event.Target{Method: name}, Args: args}
	}
	id := event.Arg{From: "attribute:id"}
	tick := on("tick", event.Arg{From: "data.name"})
	tick.Reply = &event.Reply{Type: prefix + "tock"}
	busy := on("busy", id)
	busy.Errors = map[string]string{"*": event.Retry}
	twice := on("twice", id)
	twice.Errors = map[string]string{"*": event.Retry}
	keep := on("keep", event.Arg{From: "event"})
	conformance := event.Rule{Name: "conformance", On: event.Match{Type: "io.cloudevents.*"}, Call: keep.Call, Args: keep.Args}
	return []event.Rule{tick, busy, twice, on("broken", id), keep, conformance}
}

// chain asks the provider of TypesService.
type chain struct {
	types struct {
		EchoString func(ctx context.Context, s *string) (*string, error)
	}

	mu   sync.Mutex
	seen map[string]int
}

func (c *chain) connect(ctx context.Context) (*client.Client, error) {
	cfg, err := client.FromEnvironment()
	if err != nil {
		return nil, err
	}
	caller, err := client.New(cfg, nacos.Registry)
	if err != nil {
		return nil, err
	}
	types, err := caller.Reference(ctx, "org.fixture.dubbo.TypesService", client.Background())
	if err != nil {
		return nil, errors.Join(err, caller.Close())
	}
	return caller, types.Bind(&c.types)
}

// Ping answers with what the provider says, and this function's name behind it.
func (c *chain) Ping(ctx context.Context, text string) (string, error) {
	got, err := c.types.EchoString(ctx, &text)
	if err != nil || got == nil {
		return "", err
	}
	return *got + "@chain", nil
}

// Tick is Ping for events.
func (c *chain) Tick(ctx context.Context, name string) (string, error) { return c.Ping(ctx, name) }

// Keep writes the event down.
func (*chain) Keep(ev map[string]any) error {
	line, err := json.Marshal(plain(ev))
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(os.Getenv("EVENTS_DIR"), "kept.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

// plain gives maps as encoding/json writes them: within a value of no declared type they have keys of any type, as Java's.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			v[k] = plain(x)
		}
	case map[any]any:
		m := map[string]any{}
		for k, x := range v {
			m[fmt.Sprint(k)] = plain(x)
		}
		return m
	case []any:
		for i, x := range v {
			v[i] = plain(x)
		}
	}
	return v
}

// came counts how often an event has come.
func (c *chain) came(id string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[string]int{}
	}
	c.seen[id]++
	return c.seen[id]
}

// Busy never has time.
func (c *chain) Busy(id string) error { return fmt.Errorf("busy: %s came %d times", id, c.came(id)) }

// Twice handles what comes for the third time.
func (c *chain) Twice(id string) error {
	if n := c.came(id); n < 3 {
		return fmt.Errorf("twice: %s came %d times", id, n)
	}
	return nil
}

// Broken will never be able to.
func (c *chain) Broken(id string) error {
	return fmt.Errorf("broken: %s came %d times", id, c.came(id))
}

// GreetRequest is org.example.GreetRequest{name, language}.
type GreetRequest struct{ Name, Language string }

// GreetReply is org.example.GreetReply{message, servedBy}.
type GreetReply struct{ Message, ServedBy string }

func greet(req *GreetRequest) (*GreetReply, error) {
	if req == nil {
		return nil, errors.New("greet: nobody is named")
	}
	return &GreetReply{Message: "Hello, " + req.Name + "!", ServedBy: "greet"}, nil
}

func echo(s *string) (*string, error) { return s, nil }
