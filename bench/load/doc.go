// Package load is the load that every provider gets: request frames that are encoded once, a closed loop of calls over
// some connections, and a check of every reply. It knows Dubbo 2 frames and one service, org.bench.BenchService.
package load
