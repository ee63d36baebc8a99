package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/e2e/jvm"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry/nacos"
)

const work = "org.fixture.dubbo.WorkService"

// consumer makes calls of WorkService in one of its groups.
type consumer interface {
	name() string
	call(group, id, method string, n int64, millis int32) (int64, error)
	end()
}

// untilAnswered waits until the consumer has found the function that nothing happens to.
func untilAnswered(c consumer) (err error) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if _, err = c.call("steady", "begin-"+c.name()+strconv.FormatInt(time.Now().UnixNano(), 36), "look", 1, 0); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s found nothing: %w", c.name(), err)
}

// silence says that a consumer gave up waiting: nobody told it anything.
func silence(err error) bool {
	var e *invoker.Error
	if errors.As(err, &e) {
		return e.Code == invoker.CodeTimeout && !e.Remote
	}
	var j jvm.Error
	return errors.As(err, &j) && j.Silent()
}

// goConsumer is package client.
type goConsumer struct {
	client   *client.Client
	services map[string]*counted
}

type counted struct {
	Add  func(ctx context.Context, id string, n int64, millis int32) (int64, error)
	Look func(ctx context.Context, id string, n int64) (int64, error)
}

func startGo(ctx context.Context, x *site) (*goConsumer, error) {
	cfg, err := client.FromEnvironment()
	if err != nil {
		return nil, err
	}
	cfg.Registry, cfg.App = []string{x.registry}, "faults"
	g := &goConsumer{services: map[string]*counted{}}
	if g.client, err = client.New(cfg, nacos.Registry); err != nil {
		return nil, err
	}
	for _, group := range groups() {
		s, err := g.client.Reference(ctx, work, client.Group(group.name), client.Idempotent("look"))
		if err != nil {
			return nil, err
		}
		c := &counted{}
		if err := s.Bind(c); err != nil {
			return nil, err
		}
		g.services[group.name] = c
	}
	return g, nil
}

func (g *goConsumer) name() string { return "go" }
func (g *goConsumer) end()         { _ = g.client.Close() }

func (g *goConsumer) call(group, id, method string, n int64, millis int32) (int64, error) {
	if method == "add" {
		return g.services[group].Add(context.Background(), id, n, millis)
	}
	return g.services[group].Look(context.Background(), id, n)
}

// javaConsumer is the kit's OnDemand.
type javaConsumer struct {
	*jvm.Calls
	line string
	read chan []string // what was read from Nacos, when asked
}

// javaTime is how long it may take to tell of a call.
const javaTime = 15 * time.Second

func startJava(ctx context.Context, command []string, errs string) (*javaConsumer, error) {
	j := &javaConsumer{line: "java-3.3.6", read: make(chan []string, 1)}
	if slices.ContainsFunc(command, func(w string) bool { return strings.Contains(w, "line27") }) {
		j.line = "java-2.7.23"
	}
	f, err := os.Create(errs)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var reads []string
	j.Calls, err = jvm.StartCalls(ctx, command, f, "ON-DEMAND-READY", func(line string) {
		switch {
		case strings.HasPrefix(line, "CONFIG-READ"):
			reads = append(reads, line)
		case strings.HasPrefix(line, "READS-END"):
			j.read <- reads
			reads = nil
		}
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w; see %s", j.line, err, errs)
	}
	return j, nil
}

func (j *javaConsumer) name() string { return j.line }
func (j *javaConsumer) end()         { j.End() }

func (j *javaConsumer) call(group, id, method string, n int64, millis int32) (int64, error) {
	return j.Call(id, fmt.Sprintf("%s %s %d %d", group, method, n, millis), javaTime)
}

var metadataRead = regexp.MustCompile(`^CONFIG-READ (\d+) [0-9a-zA-Z]{16,} work-(\w+)$`)

// metadataReads tells how often the metadata of each group's function was read from Nacos so far.
func (j *javaConsumer) metadataReads() (map[string]int, error) {
	if err := j.Say("reads"); err != nil {
		return nil, err
	}
	reads := map[string]int{}
	for _, line := range <-j.read {
		if m := metadataRead.FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[1]) // digits
			reads[m[2]] += n
		}
	}
	return reads, nil
}

// connections lists the local ports of its connections to a port of this machine.
func (j *javaConsumer) connections(port int) (local []string) {
	all, err := j.Connections(port)
	if err != nil {
		return nil // it has ended
	}
	for _, c := range all {
		local = append(local, c.LocalPort())
	}
	return local
}
