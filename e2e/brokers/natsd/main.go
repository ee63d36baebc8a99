// Command natsd is a NATS server with JetStream on loopback, for tests that kill it and start it again.
//
//	natsd -port 14222 -store DIR
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

func main() {
	port := flag.Int("port", 14222, "the port on 127.0.0.1")
	store := flag.String("store", "", "the folder of streams")
	flag.Parse()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: *port, JetStream: true, StoreDir: *store, NoSigs: true, ServerName: "e2e", SyncInterval: time.Second})
	if err != nil {
		fmt.Fprintln(os.Stderr, "natsd:", err)
		os.Exit(1)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		fmt.Fprintln(os.Stderr, "natsd: not ready after 10 s")
		os.Exit(1)
	}
	fmt.Println("NATS-READY", s.Addr())
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, os.Interrupt, syscall.SIGTERM)
	<-ended
	s.Shutdown()
	s.WaitForShutdown()
}
