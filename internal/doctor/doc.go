// Package doctor looks at everything that a consumer of a Dubbo service depends on, in the order in which a consumer does: the registry, where
// in it, the interface's applications, their instances, revisions and metadata, what is offered, the addresses, classes, timeouts, and the
// activator behind them. It says what is wrong, why that matters, and the command that mends it.
//
// [Check] writes nothing anywhere. [Fix] writes what only a registry lacks: a mapping, or metadata that a provider can still tell.
package doctor
