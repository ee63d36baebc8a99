// Package scaffold makes the module of a new function: sources, a test, a README and a go.mod that is complete, so that there is nothing to edit before the
// first run.
package scaffold
