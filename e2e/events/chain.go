package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
)

// names of what is traced.
const (
	javaProvider = "java-provider"
	echoString   = "org.fixture.dubbo.TypesService.echoString(String)"
	tickEntry    = "CloudEvents/org.dubbofn.tick"
	dubbo        = "Dubbo"        // SkyWalking's name of component 3
	rpc          = "RPCFramework" // and of layer 2
)

// chain posts events to Knative's channel, and follows them: to the function, the Java provider, back to the reply destination; or to the dead letter
// sink. The first one's trace is read back from the OAP server.
func runChain(ctx context.Context, s settings) (err error) {
	replies, err := startSink(ctx, s.reply)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, replies.end()) }()
	if err := chainReply(ctx, s, replies); err != nil {
		return fmt.Errorf("event to reply: %w", err)
	}
	if err := chainRetry(ctx, s); err != nil {
		return fmt.Errorf("retries: %w", err)
	}
	if err := chainDead(ctx, s, replies); err != nil {
		return fmt.Errorf("dead letters: %w", err)
	}
	return nil
}

// post sends one event in binary mode, as any program would.
func post(ctx context.Context, url, id, kind, data string, more ...string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte(data)))
	if err != nil {
		return err
	}
	for k, v := range binary(id, kind, append(more, "Content-Type", plainJSON)...) {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, 4096))
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("post event %s to %s: %s %.200q", id, url, res.Status, text)
	}
	return err
}

func chainReply(ctx context.Context, s settings, replies *sink) error {
	warm := 0
	if err := until(ctx, patience, func(ctx context.Context) error { // what the function needs for its first call to Java is not what is measured
		warm++
		return post(ctx, s.direct, fmt.Sprint("warm-", warm), "org.dubbofn.tick", `{"name":"nobody"}`)
	}); err != nil {
		return err
	}
	start := time.Now()
	if err := post(ctx, s.url, "chain-1", "org.dubbofn.tick", `{"name":"Ada"}`, "ce-subject", "first"); err != nil {
		return err
	}
	found, err := replies.await(ctx, 1, "reply events", ofType("org.dubbofn.tock"))
	if err != nil {
		return fmt.Errorf("%w; what came instead: %v", err, replies.events())
	}
	took, reply := time.Since(start), found[0]
	var text string
	if err := reply.DataAs(&text); err != nil || text != "Ada@chain" || reply.ID() == "chain-1" || reply.Source() == "/probe" || reply.Subject() != "first" {
		return fmt.Errorf("the reply event is %v (%w), want \"Ada@chain\" with an id and a source of its own", reply, err)
	}
	id, err := traceIn(reply)
	if err != nil {
		return err
	}
	if found, err := s.oap.traceOf(ctx, "cloudevents.id", "chain-1", s.app); err != nil || found != id {
		return fmt.Errorf("the trace with the event's id is %q, the reply's is %q: %w", found, id, err)
	}
	function, provider := s.app, s.provider
	exit := wanted{kind: "Exit", service: function, name: echoString, peer: provider, component: dubbo, layer: rpc, tags: []string{"url"}}
	all, err := s.oap.trace(ctx, id, func(all []span) error {
		return errors.Join(linked(all), has(all,
			wanted{kind: "Entry", service: function, name: tickEntry, layer: "Http", tags: []string{"cloudevents.id", "cloudevents.source", "cloudevents.type"}},
			exit,
			wanted{kind: "Entry", service: javaProvider, name: echoString, component: dubbo, layer: rpc, tags: []string{"url"}, under: &exit},
		))
	})
	if err != nil {
		return err
	}
	if err := save(s.out, "event-trace.json", all); err != nil {
		return err
	}
	fmt.Printf("chain: event -> Knative's channel -> function -> Java -> reply event in %d ms; one trace %s of %d spans in %d segments, all linked ok\n",
		took.Milliseconds(), id, len(all), segments(all))
	if s.verbose {
		fmt.Println(tree(all))
	}
	return nil
}

// traceIn gives the trace that an event's extension sw8 tells of.
func traceIn(ev event.Event) (string, error) {
	sw8, _ := ev.Extensions()["sw8"].(string)
	fields := strings.Split(sw8, "-")
	if len(fields) != 8 {
		return "", fmt.Errorf("event %s has the extension sw8=%q, want 8 fields", ev.ID(), sw8)
	}
	id, err := base64.StdEncoding.DecodeString(fields[1])
	return string(id), err
}

// chainRetry: the method refuses twice, and the dispatcher comes a third time.
func chainRetry(ctx context.Context, s settings) error {
	if err := post(ctx, s.url, "twice-1", "org.dubbofn.twice", `{}`); err != nil {
		return err // the channel answers once the event is delivered
	}
	fmt.Println("retries: Knative's channel delivered at the third try what was refused with 503 twice ok")
	return nil
}

// chainDead: what can never work is a dead letter at once, what might is after three retries.
func chainDead(ctx context.Context, s settings, letters *sink) error {
	for _, c := range []struct{ kind, code, reason string }{
		{"org.dubbofn.none", "400", "no rule"}, {"org.dubbofn.broken", "422", "dead-422 came 1 times"}, {"org.dubbofn.busy", "503", "dead-503 came 4 times"},
	} {
		if err := post(ctx, s.url, "dead-"+c.code, c.kind, `{}`); err != nil {
			return err
		}
		found, err := letters.await(ctx, 1, "dead letters of type "+c.kind, func(ev event.Event) bool { return ev.ID() == "dead-"+c.code })
		if err != nil {
			return err
		}
		x := found[0].Extensions()
		text, err := base64.StdEncoding.DecodeString(fmt.Sprint(x["knativeerrordata"]))
		if got := fmt.Sprint(x["knativeerrorcode"]); err != nil || got != c.code || !strings.Contains(string(text), c.reason) {
			return fmt.Errorf("the dead letter of %s has the code %s and the text %q, want %s and %q: %w", c.kind, got, text, c.code, c.reason, err)
		}
	}
	fmt.Println("dead letters: 400 and 422 at once, 503 after three retries, each with its reason ok")
	return nil
}

// save writes a trace as JSON, for pictures.
func save(dir, name string, all []span) error {
	if dir == "" {
		return nil
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(dir+"/"+name, append(text, '\n'), 0o600)
}
