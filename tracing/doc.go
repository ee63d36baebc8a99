// Package tracing is what a call's way through several processes is told by. A [Tracer] makes spans and sends them to one backend; filters
// make them for calls, with the names that the Java agent's Dubbo plugins give (SkyWalking 9.4.0: apm-dubbo-2.7.x-plugin, apm-dubbo-3.x-plugin), so
// that consumer and provider read as one endpoint. The backends are packages of their own, handed to a program as parts:
//
//	serve.Main(service, nacos.Registry, skywalking.Tracer)
//
// Nothing here blocks a call or makes it fail. Without a tracer nothing is done.
package tracing
