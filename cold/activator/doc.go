// Package activator is the always-on Dubbo front of functions that sleep. Consumers find it, under each function's own application
// name, in the registry (a stand-in), connect once and stay connected. It holds their calls while a function wakes (parking), wakes
// it (a knock), and hands each call on as it came, undecoded, in one POST: over a connection that the function itself dialled where there
// is one (the early lane), else over the platform's own path.
//
// Replicas share nothing and need not know of each other.
package activator
