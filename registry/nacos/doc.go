// Package nacos keeps registrations in Alibaba Nacos 2.x, as Dubbo Java 2.7 and 3.x consumers and providers have them:
// instances in its naming service, metadata and mappings in its config service.
//
// It uses nacos-sdk-go's connection (gRPC, login, failover between servers, reconnection) and its requests, but not its
// NamingClient and ConfigClient: those lose the server's reason for a refusal, hold one instance for each service, read from a
// cache on disk, allow five reads a second for each key, listen on UDP, and leave goroutines behind when closed.
package nacos
