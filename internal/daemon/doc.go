// Package daemon is the always-on parts as programs: what their environment decides, and what they are put together of. The command
// dubbofn runs them.
package daemon
