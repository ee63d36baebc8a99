package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// javaConsumer is the kit's Paced under SkyWalking's agent.
type javaConsumer struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string
}

func startJava(ctx context.Context, command []string, log string) (*javaConsumer, error) {
	j := &javaConsumer{cmd: exec.CommandContext(ctx, command[0], command[1:]...), lines: make(chan string, 64)}
	errs, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = errs.Close() }() // Java has it then
	j.cmd.Stderr = errs
	out, err := j.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if j.in, err = j.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := j.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			j.lines <- s.Text()
		}
		close(j.lines)
	}()
	_, err = j.line("PACED-READY", time.Minute)
	return j, err
}

// line waits for one that begins so.
func (j *javaConsumer) line(prefix string, patience time.Duration) (string, error) {
	for late := time.After(patience); ; {
		select {
		case s, ok := <-j.lines:
			if !ok {
				return "", fmt.Errorf("the Java consumer ended before it printed %s", prefix)
			}
			if strings.HasPrefix(s, prefix) {
				return s, nil
			}
		case <-late:
			return "", fmt.Errorf("the Java consumer did not print %s within %v", prefix, patience)
		}
	}
}

// call has it make one call.
func (j *javaConsumer) call(text string) error {
	if _, err := fmt.Fprintln(j.in, "call "+text); err != nil {
		return err
	}
	said, err := j.line("CALL ", 30*time.Second)
	if err == nil && !strings.HasPrefix(said, "CALL ok ") {
		err = fmt.Errorf("the Java consumer says %q", said)
	}
	return err
}

// end has it send what is left of its spans, and end.
func (j *javaConsumer) end() error {
	_, err := fmt.Fprintln(j.in, "stop")
	for open := true; open; { // until it ends
		_, open = <-j.lines
	}
	return errors.Join(err, j.cmd.Wait())
}

// names of what consumers call.
const (
	activatorService = "dubbofn-activator"
	greetApp         = "e2e-greet"
	pingName         = "org.fixture.dubbo.PingService.ping(String)"
	greetName        = "org.example.GreetService.greet(GreetRequest)"
	consumer3        = "java-consumer"
	consumer27       = "java27-consumer"
)

// runWake has two Java consumers wake two functions behind one activator: Dubbo 3.3 calls the one that calls Java, Dubbo 2.7 the one that calls nobody.
func runWake(ctx context.Context, s settings) (err error) {
	if len(s.commands) != 2 {
		return fmt.Errorf("%d commands are given, want two Java consumers", len(s.commands))
	}
	for i, check := range []func(context.Context, settings) error{wakeChain, wakeGreet} {
		j, err := startJava(ctx, s.commands[i], filepath.Join(s.dir, fmt.Sprintf("java-consumer-%d.err", i)))
		if err != nil {
			return err
		}
		for n := range 3 { // the first wakes the function
			if err = j.call(fmt.Sprint("call", n)); err != nil {
				break
			}
		}
		if err == nil {
			err = check(ctx, s)
		}
		if err := errors.Join(err, j.end()); err != nil {
			return err
		}
	}
	return wakeTopology(ctx, s)
}

// wakeChain checks the trace of the call that woke the function which calls Java.
func wakeChain(ctx context.Context, s settings) error {
	toFunction := wanted{kind: "Exit", service: activatorService, name: pingName, component: dubbo, layer: rpc}
	atFunction := wanted{kind: "Entry", service: s.app, name: pingName, component: dubbo, layer: rpc, under: &toFunction, tags: []string{"faas.coldstart"}}
	toJava := wanted{kind: "Exit", service: s.app, name: echoString, peer: s.provider, component: dubbo, layer: rpc, under: &atFunction}
	atActivator := wanted{kind: "Entry", service: activatorService, name: pingName, component: dubbo, layer: rpc,
		under: &wanted{kind: "Exit", service: consumer3, component: dubbo, layer: rpc}} // Dubbo 3.3 tells the agent neither name nor peer (apache/skywalking#12791)
	id, all, err := s.oap.woken(ctx, s.app,
		atActivator,
		wanted{kind: "Local", service: activatorService, name: "dubbofn/parked", under: &atActivator},
		toFunction, atFunction, toJava,
		wanted{kind: "Entry", service: javaProvider, name: echoString, component: dubbo, layer: rpc, under: &toJava},
	)
	if err != nil {
		return fmt.Errorf("from Java 3.3 to a function at zero: %w", err)
	}
	if err := save(s.out, "trace.json", all); err != nil {
		return err
	}
	fmt.Printf("wake: Java 3.3 -> activator -> function at zero -> Java; one trace %s of %d spans in %d segments, all linked, %s ok\n", id, len(all), segments(all), waited(all))
	if s.verbose {
		fmt.Println(tree(all))
	}
	return nil
}

func wakeGreet(ctx context.Context, s settings) error {
	atActivator := wanted{kind: "Entry", service: activatorService, name: greetName, component: dubbo, layer: rpc,
		under: &wanted{kind: "Exit", service: consumer27, name: greetName, peer: s.activator, component: dubbo, layer: rpc}}
	toFunction := wanted{kind: "Exit", service: activatorService, name: greetName, component: dubbo, layer: rpc, under: &atActivator}
	id, all, err := s.oap.woken(ctx, greetApp,
		atActivator,
		wanted{kind: "Local", service: activatorService, name: "dubbofn/parked", under: &atActivator},
		wanted{kind: "Entry", service: greetApp, name: greetName, component: dubbo, layer: rpc, under: &toFunction, tags: []string{"faas.coldstart"}},
	)
	if err != nil {
		return fmt.Errorf("from Java 2.7 to a function at zero: %w", err)
	}
	fmt.Printf("wake: Java 2.7 -> activator -> function at zero; one trace %s of %d spans in %d segments, all linked, %s ok\n", id, len(all), segments(all), waited(all))
	if s.verbose {
		fmt.Println(tree(all))
	}
	return nil
}

// waited tells how long the call was parked.
func waited(all []span) string {
	for _, s := range all {
		if s.Name == "dubbofn/parked" {
			return fmt.Sprintf("parked for %d ms", s.End-s.Start)
		}
	}
	return "not parked"
}

// woken gives the trace that a service's first span is in, once it has everything that is wanted.
func (o oap) woken(ctx context.Context, service string, want ...wanted) (id string, all []span, err error) {
	if id, err = o.traceOf(ctx, "faas.coldstart", "true", service); err != nil {
		return "", nil, err
	}
	all, err = o.trace(ctx, id, func(all []span) error { return errors.Join(linked(all), has(all, want...)) })
	return id, all, err
}

// wakeTopology compares what the OAP server draws with what called what.
func wakeTopology(ctx context.Context, s settings) error {
	want := []string{
		activatorService + " -> " + greetApp, activatorService + " -> " + s.app, consumer3 + " -> " + activatorService,
		consumer27 + " -> " + activatorService, s.app + " -> " + javaProvider,
	}
	slices.Sort(want)
	ours := append(strings.Fields(strings.ReplaceAll(strings.Join(want, " "), " -> ", " ")), "User")
	var got []string
	if err := until(ctx, patience, func(ctx context.Context) (err error) {
		if got, err = s.oap.topology(ctx); err != nil {
			return err
		}
		between := slices.DeleteFunc(slices.Clone(got), func(edge string) bool { // of these services alone
			from, to, _ := strings.Cut(edge, " -> ")
			return !slices.Contains(ours, from) || !slices.Contains(ours, to) || from == "User"
		})
		if !slices.Equal(between, want) {
			return fmt.Errorf("the topology is %q, want %q", got, want)
		}
		return nil
	}); err != nil {
		return err
	}
	var functions []string
	if err := until(ctx, patience, func(ctx context.Context) (err error) {
		if functions, err = s.oap.services(ctx, "FAAS"); err == nil && (!slices.Contains(functions, s.app) || !slices.Contains(functions, greetApp)) {
			err = fmt.Errorf("the services in the layer FAAS are %q, want %s and %s among them", functions, s.app, greetApp)
		}
		return err
	}); err != nil {
		return err
	}
	fmt.Printf("topology: %s; functions in layer FAAS: %s ok\n", strings.Join(want, ", "), strings.Join(functions, ", "))
	return nil
}
