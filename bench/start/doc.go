// Package start measures how long a process takes from its start to its first reply.
package start
