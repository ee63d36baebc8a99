// Package protect keeps a consumer from harming itself and its providers: limits of concurrency and rate and a circuit breaker for
// each method, a fallback; the same for each provider; a budget of retries. The limits are failsafe-go's; docs/decisions/protection.md
// says why, and what a call pays.
//
// How long a call may take is said elsewhere, in cluster.Config: the deadline is one for all tries.
package protect
