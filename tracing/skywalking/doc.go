// Package skywalking sends spans to Apache SkyWalking's OAP server, as a part of a program:
//
//	serve.Main(service, skywalking.Tracer)
//
// It continues and writes sw8 and sw8-correlation, and speaks the server's own gRPC protocol (skywalking.apache.org/repo/goapi). Spans are go2sky's to the
// reporter, which is a go2sky.Reporter; how they are made is not, see docs/decisions/tracing.md: go2sky runs a goroutine for each segment, which a span
// that never ends keeps for ever, loses what it holds at the end, and gives no span at all for a malformed header.
package skywalking
