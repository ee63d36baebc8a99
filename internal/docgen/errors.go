package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"path/filepath"
	"strings"

	"github.com/dubbofn/dubbofn/invoker"
)

const errorsHead = `# Errors

<!-- Written by "make docs" from invoker.Code; change the comments there. -->

A call of a method ends in one of three ways: with its result; with an exception that the method threw (` + "`*invoker.Exception`" + `, a Java throwable: what it was and
what it said reaches the caller, whichever end is Go); or because the call itself failed (` + "`*invoker.Error`" + `). Of the last, the code says what failed; ` + "`MaybeExecuted`" + `, and "may have
run" in the text, that the method may have run all the same: only an idempotent one may then be called again. "reported by the peer" says who found out.

| code | in Go | with Dubbo's status, and what it means |
|---|---|---|
`

const errorsTail = `
` + "`invoker.CodeOf(err)`" + ` gives the code of an error, and whether it has one.

- Which of them are tried again at another provider, and when, is in [consumer.md](consumer.md).
- What an event is answered for each, and whether its sender should send it again: [events.md](events.md).
- What the activator answers for calls that it holds: [activator.md](activator.md).
- The exit codes of ` + "`dubbofn`" + `: [cli.md](cli.md).
- What to do about those one meets: [troubleshooting.md](troubleshooting.md), and ` + "`dubbofn doctor`" + `.
`

// writeErrors writes a row for each code, with the comment that its constant has.
func writeErrors(w io.Writer, dir string) error {
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, "error.go"), nil, parser.ParseComments)
	if err != nil {
		return err
	}
	fmt.Fprint(w, errorsHead)
	n := invoker.Code(0)
	ast.Inspect(f, func(node ast.Node) bool {
		v, ok := node.(*ast.ValueSpec)
		if ok && strings.HasPrefix(v.Names[0].Name, "Code") {
			fmt.Fprintf(w, "| %s | `invoker.%s` | %s |\n", n, v.Names[0].Name, cell(strings.TrimSpace(v.Comment.Text())))
			n++
		}
		return true
	})
	if strings.HasPrefix(n.String(), "code(") && n > 0 {
		fmt.Fprint(w, errorsTail)
		return nil
	}
	return fmt.Errorf("%s: it has %d codes, which are not all", f.Name, n)
}
