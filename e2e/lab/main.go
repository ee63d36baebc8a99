// Lab measures a function that Knative scales to zero, from inside the lab of e2e/knative: how Java consumers of both Dubbo lines get on
// with it, beside plain HTTP requests that go straight to the ingress.
//
//	lab wakes [FLAGS] -- java … Paced … [-- java … Paced …]     wakes from zero, by the consumers in turn and by HTTP
//	lab scale [FLAGS] -- java … Paced …                          many calls a second, then few: pods over time
//	lab rollout [FLAGS] -- java … Paced …                        Knative revisions that never get ready, under calls
//	lab deploy [FLAGS] -- java … Paced …                         what dubbofn deploy and its kin do, and what they say where something is wrong
//	lab events [FLAGS]                                           events to a broker of Knative Eventing, whose trigger wakes the function
//
// It prints a line for each wake or second, a table, what was expected and whether it held.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	api, keys, logs    string
	namespace, service string
	ingress, host      string // the ingress inside the cluster, and the function's name there
	admin              list   // of every replica of the activator
	port               int    // that consumers connect to

	wakes int  // by consumers; as many go by HTTP
	lane  bool // functions dial the activator

	rate, low  int // calls a second
	busy, calm time.Duration
	enough     int    // pods, in the busy time
	fewer      int    // at most, in the calm time
	rollout    string // a command that makes a new Knative revision in the middle
	bad        list   // commands that each make one that never gets ready
	nacos      string

	command, folder string // the command dubbofn, and the function that it deploys
	push            string // where its image goes: a repository
	crashing        string // an image of a program that crashes where BREAK says so
	manifest        string // of that, a file
	role            string // a file: the rights that deploying needs, of the service account dev

	broker, sink string // where events are sent, and the Deployment that prints what came back

	names    list // of the consumers
	commands [][]string
}

type list []string

// String is flag.Value's.
func (l *list) String() string { return fmt.Sprint(*l) }

// Set is flag.Value's.
func (l *list) Set(s string) error {
	*l = append(*l, s)
	return nil
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("want wakes, scale, rollout, deploy or events")
	}
	var s settings
	f := flag.NewFlagSet(args[0], flag.ContinueOnError)
	f.StringVar(&s.api, "api", "https://10.99.0.1:6443", "the API server")
	f.StringVar(&s.keys, "keys", "", "the folder with ca.crt, admin.crt and admin.key")
	f.StringVar(&s.logs, "logs", ".", "the folder for the consumers' standard error")
	f.StringVar(&s.namespace, "namespace", "default", "")
	f.StringVar(&s.service, "service", "greet", "the Knative Service")
	f.StringVar(&s.ingress, "ingress", "", "HOST:PORT of the ingress")
	f.StringVar(&s.host, "host", "", "the Host header that leads to the function")
	f.Var(&s.admin, "admin", "http://HOST:PORT of a replica of the activator (may be given again)")
	f.Var(&s.names, "name", "what a consumer is called (once for each)")
	f.IntVar(&s.port, "port", 20880, "the activator's Dubbo port")
	f.IntVar(&s.wakes, "wakes", 40, "how many by consumers; as many by HTTP")
	f.BoolVar(&s.lane, "lane", true, "functions dial the activator")
	f.IntVar(&s.rate, "rate", 200, "calls a second at first")
	f.IntVar(&s.low, "low", 10, "calls a second then")
	f.DurationVar(&s.busy, "busy", 4*time.Minute, "how long at first")
	f.DurationVar(&s.calm, "calm", 2*time.Minute, "how long then")
	f.IntVar(&s.enough, "pods", 4, "pods there must be within 60 s")
	f.IntVar(&s.fewer, "fewer", 2, "pods there may be 90 s after it got calm")
	f.StringVar(&s.rollout, "rollout", "", "a command that makes a new Knative revision, run in the middle of the busy time")
	f.Var(&s.bad, "bad", "a command that makes a Knative revision that never gets ready (may be given again)")
	f.StringVar(&s.nacos, "nacos", "", "http://HOST:PORT of Nacos, where rollout looks what consumers are told of")
	f.StringVar(&s.command, "dubbofn", "dubbofn", "the command, for deploy")
	f.StringVar(&s.folder, "folder", "", "the folder with the function, for deploy")
	f.StringVar(&s.push, "push", "", "the repository that its image is pushed to")
	f.StringVar(&s.crashing, "crashing", "", "the image of a program that crashes where BREAK=crash says so")
	f.StringVar(&s.manifest, "manifest", "", "the file with what that offers")
	f.StringVar(&s.role, "role", "", "the file with the rights that deploying needs")
	f.StringVar(&s.broker, "broker", "", "the broker's URL, for events")
	f.StringVar(&s.sink, "sink", "dead-letters", "the Deployment of 'dubbofn sink', for events")
	if err := f.Parse(args[1:]); err != nil {
		return err
	}
	if args[0] == "events" {
		return measureEvents(ctx, &s)
	}
	for rest := f.Args(); len(rest) > 0; {
		n := slices.Index(rest, "--")
		if n < 0 {
			n = len(rest)
		}
		s.commands = append(s.commands, rest[:n])
		rest = rest[min(n+1, len(rest)):]
	}
	if len(s.commands) == 0 || len(s.commands) != len(s.names) {
		return fmt.Errorf("%d commands after --, %d names: want one or more, each with its name", len(s.commands), len(s.names))
	}
	switch args[0] {
	case "wakes":
		return measureWakes(ctx, &s)
	case "scale":
		return measureScale(ctx, &s)
	case "deploy":
		return measureDeploy(ctx, &s)
	case "rollout":
		return measureRollOut(ctx, &s)
	}
	return fmt.Errorf("%q: want wakes, scale, rollout, deploy or events", args[0])
}

// checks are what was expected, and whether it held.
type checks struct{ failed int }

func (c *checks) check(held bool, format string, args ...any) {
	word := "ok    "
	if !held {
		word = "FAILED"
		c.failed++
	}
	fmt.Println(word, fmt.Sprintf(format, args...))
}

func (c *checks) err() error {
	if c.failed > 0 {
		return fmt.Errorf("%d expectations failed", c.failed)
	}
	return nil
}
