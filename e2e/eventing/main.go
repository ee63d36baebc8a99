// Command eventing is Knative Eventing's own data plane (knative.dev/eventing 0.46) as plain processes, without Kubernetes: what a broker or a channel
// does with an event, by their code.
//
//	eventing send -to URL [-reply URL] [-dead URL] [-n N] …          each event by the dispatcher: retries, replies, dead letters
//	eventing channel -listen ADDRESS -to URL,URL [-reply URL] …      the in-memory channel: takes events and hands each to every subscriber
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"go.uber.org/zap"
	delivery "knative.dev/eventing/pkg/apis/duck/v1"
	"knative.dev/eventing/pkg/channel"
	"knative.dev/eventing/pkg/channel/fanout"
	"knative.dev/eventing/pkg/eventingtls"
	"knative.dev/eventing/pkg/kncloudevents"
	"knative.dev/pkg/apis"
	duck "knative.dev/pkg/apis/duck/v1"
)

func main() {
	err := errors.New("want: eventing send -to URL …, or eventing channel -listen ADDRESS -to URL …; -h lists the rest")
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "send":
			err = send(context.Background(), os.Args[2:])
		case "channel":
			err = serve(os.Args[2:])
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "eventing:", err)
		os.Exit(1)
	}
}

// route is where events go, and what is tried.
type route struct {
	to, reply, dead, backoff string
	retries                  int
}

func (r *route) flags(f *flag.FlagSet) {
	f.StringVar(&r.to, "to", "http://127.0.0.1:8080/", "the subscriber; of a channel, several with commas")
	f.StringVar(&r.reply, "reply", "", "where reply events go")
	f.StringVar(&r.dead, "dead", "", "where dead letters go")
	f.IntVar(&r.retries, "retries", 3, "how often an event is tried again")
	f.StringVar(&r.backoff, "backoff", "PT0.1S", "the wait before the first retry, growing by as much each time (ISO 8601)")
}

func (r *route) config() (kncloudevents.RetryConfig, error) {
	n, policy := int32(r.retries), delivery.BackoffPolicyLinear
	return kncloudevents.RetryConfigFromDeliverySpec(delivery.DeliverySpec{Retry: &n, BackoffDelay: &r.backoff, BackoffPolicy: &policy})
}

func addressable(s string) (*duck.Addressable, error) {
	if s == "" {
		return nil, nil
	}
	u, err := apis.ParseURL(s)
	if err != nil {
		return nil, fmt.Errorf("%q is no URL: %w", s, err)
	}
	return &duck.Addressable{URL: u}, nil
}

func send(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("send", flag.ExitOnError)
	var r route
	r.flags(f)
	n := f.Int("n", 1, "how many events")
	prefix := f.String("id", "kn-", "what their ids begin with")
	kind := f.String("type", "org.dubbofn.tick", "their type")
	data := f.String("data", `{"name":"Ada"}`, "their data, JSON")
	structured := f.Bool("structured", false, "in structured mode")
	extensions := f.String("extensions", "", "name=value, several with commas")
	if err := f.Parse(args); err != nil {
		return err
	}
	retry, err := r.config()
	if err != nil {
		return err
	}
	to, err := addressable(r.to)
	if err != nil {
		return err
	}
	reply, err := addressable(r.reply)
	if err != nil {
		return err
	}
	dead, err := addressable(r.dead)
	if err != nil {
		return err
	}
	options := []kncloudevents.SendOption{kncloudevents.WithRetryConfig(&retry)}
	if reply != nil {
		options = append(options, kncloudevents.WithReply(reply))
	}
	if dead != nil {
		options = append(options, kncloudevents.WithDeadLetterSink(dead))
	}
	if *structured {
		format := delivery.DeliveryFormatJson
		options = append(options, kncloudevents.WithEventFormat(&format))
	}
	d := kncloudevents.NewDispatcher(eventingtls.ClientConfig{}, nil)
	bad := 0
	for i := range *n {
		e, err := newEvent(fmt.Sprint(*prefix, i), *kind, *data, *extensions)
		if err != nil {
			return err
		}
		info, err := d.SendEvent(ctx, e, *to, options...)
		if err != nil {
			bad++
		}
		if info == nil {
			fmt.Printf("SENT %s error %v\n", e.ID(), err)
			continue
		}
		fmt.Printf("SENT %s code %d took %v error %v\n", e.ID(), info.ResponseCode, info.Duration.Round(time.Millisecond), err)
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d events were not delivered", bad, *n)
	}
	return nil
}

func newEvent(id, kind, data, extensions string) (event.Event, error) {
	e := event.New()
	e.SetID(id)
	e.SetSource("/dubbofn/e2e")
	e.SetType(kind)
	for pair := range strings.SplitSeq(extensions, ",") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			e.SetExtension(name, value)
		}
	}
	err := e.SetData("application/json", []byte(data))
	return e, err
}

func serve(args []string) error {
	f := flag.NewFlagSet("channel", flag.ExitOnError)
	var r route
	r.flags(f)
	listen := f.String("listen", "127.0.0.1:8081", "where events are taken")
	async := f.Bool("async", false, "answer senders before the event is handled")
	if err := f.Parse(args); err != nil {
		return err
	}
	retry, err := r.config()
	if err != nil {
		return err
	}
	reply, err := addressable(r.reply)
	if err != nil {
		return err
	}
	dead, err := addressable(r.dead)
	if err != nil {
		return err
	}
	config := fanout.Config{AsyncHandler: *async}
	for s := range strings.SplitSeq(r.to, ",") {
		to, err := addressable(s)
		if err != nil {
			return err
		}
		config.Subscriptions = append(config.Subscriptions, fanout.Subscription{Subscriber: *to, Reply: reply, DeadLetter: dead, RetryConfig: &retry})
	}
	h, err := fanout.NewFanoutEventHandler(zap.NewNop(), config, nil, nil, nil, kncloudevents.NewDispatcher(eventingtls.ClientConfig{}, nil), nil, nil,
		channel.ResolveChannelFromPath(func(string) (channel.ChannelReference, error) {
			return channel.ChannelReference{Namespace: "e2e", Name: "channel"}, nil
		}))
	if err != nil {
		return err
	}
	fmt.Println("CHANNEL-READY", *listen)
	server := http.Server{Addr: *listen, Handler: h, ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}
