// Package local runs functions on this machine as a cluster would: with an activator that holds their calls, a keeper that holds their
// connections, and a supervisor that starts each at its first call and ends it when it is idle. It is `dubbofn run`.
package local
