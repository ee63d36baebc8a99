// Package metrics shows Prometheus what a function does: each method's calls by outcome, how long they took, how many run, and what the process
// counts itself (connections, the client's pool, the cold start, events, spans).
//
// It is one part more in main:
//
//	serve.Main(service, nacos.Registry, metrics.Prometheus)
//
// Scrapes are answered at GET /metrics on a port of their own, DUBBOFN_METRICS_PORT. Everything is in a registry of its own, with the
// label app; collectors of the program's own are added with [Exporter.With]. [All] lists what there is.
package metrics
