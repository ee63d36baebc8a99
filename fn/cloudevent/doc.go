// Package cloudevent has events call the methods of Dubbo services: those of the process itself, and any other's. Which event calls what is declared by
// rules (package event); events come over HTTP, as Knative and others send them, and from brokers whose adapters are handed over:
//
//	serve.Main(service, nacos.Registry, cloudevent.Events(nats.Source, kafka.Sink))
//
// An event is handled at least once. One that comes again, which is one with the same source and id, within a bounded window and while what is known of it
// can be read, is not handled again: it gets the first one's answer.
package cloudevent
