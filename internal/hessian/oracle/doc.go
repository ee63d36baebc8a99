// Package oracle is a second Hessian 2 codec: github.com/apache/dubbo-go-hessian2 v1.13.2 behind this project's scanner.
//
// It serves two ends. The tests of package hessian compare the two codecs on the same bytes: each difference is either in the
// table of docs/hessian-differences.md, every row of which a test here proves, or a fault of ours. And a program whose types
// lean on the library (its serializers, its registry of exceptions) can add it explicitly, through the package
// invoker/dubbo/hessian2lib.
//
// It is outside the compatibility matrix: what docs/types.md promises is promised of package hessian alone. Every body is
// scanned within limits before the library sees it, since the library believes lengths (a body of 6 bytes makes it allocate
// gigabytes) and recurses without limit (2 MB of nested lists overflow the stack, which recover can't catch). What the
// library panics over is returned as an error.
//
// The library's registry of classes is global to the process, written without regard to who wrote before: the first class
// name wins for all codecs of the process, and two services can't give one Java class two Go types, nor the other way round.
// [Register] says so where it can be seen.
package oracle
