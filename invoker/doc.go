// Package invoker is the vocabulary that every part of dubbofn shares: what is called ([Invocation]), what comes
// back ([Result], [Error], [Exception]), and the one shape that carries it ([Invoker], wrapped by [Filter]).
//
// The names are those of Apache Dubbo. The package imports the standard library only.
package invoker
