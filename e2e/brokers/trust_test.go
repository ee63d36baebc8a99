package brokers_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats-server/v2/server"
	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/dubbofn/dubbofn/fn/cloudevent"
	"github.com/dubbofn/dubbofn/fn/cloudevent/kafka"
	"github.com/dubbofn/dubbofn/fn/cloudevent/nats"
	"github.com/dubbofn/dubbofn/internal/certtest"
	"github.com/dubbofn/dubbofn/internal/deliver"
)

func TestKafkaTakesAUserByEveryMechanism(t *testing.T) {
	t.Parallel()
	k := newTopics(t, 1)
	host, port, _ := net.SplitHostPort(k.addr)
	n, _ := strconv.Atoi(port)
	secured := fmt.Sprintf("%s:%d", host, n+2)
	k.send(t, many(3, 1)...)
	for i, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		r := &recorder{}
		url := fmt.Sprintf("kafka://shop:secret@%s/%s?group=g%d&sasl=%s", secured, k.orders, i, mechanism)
		s := source(t, kafka.Source, url, cloudevent.SourceConfig{Handle: r.handle})
		eventually(t, 20*time.Second, mechanism+" gets every event", func() bool { return r.distinct() == 3 })
		drain(t, s, 10*time.Second)
		_, err := kafka.Source.OpenSource(t.Context(), parse(t, strings.Replace(url, "secret", "wrong", 1)), cloudevent.SourceConfig{App: "a", Log: quiet(), Handle: r.handle})
		if err == nil || !strings.Contains(err.Error(), "SASL") || strings.Contains(err.Error(), "wrong") {
			t.Errorf("%s with a wrong password: %v", mechanism, err)
		}
	}
}

func TestNATSTakesAUserOverTLS(t *testing.T) {
	t.Parallel()
	ca, err := certtest.New(t.TempDir(), "ca")
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := ca.Issue("nats", "localhost", 2, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true, Username: "shop", Password: "secret",
		TLS: true, TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, TLSTimeout: 5,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server is not ready")
	}
	addr := srv.Addr().String()
	r := &recorder{}
	url := "nats://shop:secret@" + addr + "/ORDERS?durable=d&create=orders.>&servername=localhost&ca=" + ca.File
	s := source(t, nats.Source, url, cloudevent.SourceConfig{Handle: r.handle})
	sink := sinkOf(t, nats.Sink, "nats://shop:secret@"+addr+"/orders.new?servername=localhost&ca="+ca.File)
	if err := sink.Send(t.Context(), placed("1", "k")); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "the event is handled", func() bool { return r.distinct() == 1 })
	drain(t, s, 10*time.Second)
}

// TestAnEventThatEndsItsProcessBecomesADeadLetter plays the process by a client that takes an event and never answers.
func TestAnEventThatEndsItsProcessBecomesADeadLetter(t *testing.T) {
	t.Parallel()
	h := newHub(t, natsServer(t, t.TempDir(), -1).Addr().String())
	h.send(t, many(1, 1)...)
	stream, err := h.js.Stream(t.Context(), "ORDERS")
	if err != nil {
		t.Fatal(err)
	}
	c, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "d", AckPolicy: jetstream.AckExplicitPolicy, AckWait: 200 * time.Millisecond, MaxDeliver: -1})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		m, err := c.Next(jetstream.FetchMaxWait(5 * time.Second))
		if err != nil || m.Subject() == "" {
			t.Fatal(err)
		}
	}
	ran := make(chan struct{}, 10)
	s := source(t, nats.Source, h.url("durable=d&dead=dead&attempts=3"), cloudevent.SourceConfig{Handle: func(context.Context, event.Event) deliver.Result {
		ran <- struct{}{}
		return deliver.Result{}
	}})
	eventually(t, 10*time.Second, "it is among the dead letters", func() bool { return len(h.dead(t)) == 1 })
	drain(t, s, 10*time.Second)
	if len(ran) != 0 {
		t.Errorf("it ran %d times more", len(ran))
	}
	if m := h.dead(t)[0]; m.Header.Get("ce-id") != "0" || m.Header.Get(client.MsgIdHdr) == "" {
		t.Errorf("%v", m.Header)
	}
}
