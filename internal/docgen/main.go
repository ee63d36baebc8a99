// Command docgen writes the pages of reference that are made from the sources: docs/errors.md, from invoker's codes, and docs/configuration.md: one row for each environment variable that a function, a client or an always-on part
// reads, made from the tags of [serve.Config], [client.Config], [cloudevent.Config] and package daemon's structs, so that the page can't say anything else than
// the programs.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/fn/cloudevent"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/internal/daemon"
)

const head = `# Configuration

A function is configured by its environment alone. It reads everything once, at start, and refuses to start on any fault:
every fault is reported at once, with the variable's name, its value and the values that would do.

<!-- Written by "make docs" from fn/serve.Config, client.Config, fn/cloudevent.Config and internal/daemon; change the tags there. -->

` + table

const table = `| variable | default | what it decides | takes |
|---|---|---|---|
`

const consumers = `
## Programs that call other services

A client reads these, a function's own calls included. What has the same name means the same for both.

` + table

const events = `
## Functions that take events

What ` + "`cloudevent.Events()`" + ` reads, a part of a function.

` + table

const activator = `
## The activator

` + "`dubbofn activator`" + ` reads these; what has the same name means the same, for the activator. ` + "`dubbofn run`" + ` has an activator inside that obeys
them too, but for where its functions are, its token and its lane's port.

` + table

const keeper = `
## The keeper

` + "`dubbofn keeper`" + ` reads these. ` + "`dubbofn run`" + ` has one inside, which obeys them but for where it listens and who may use it.

` + table

const tail = `
Sizes take a plain number of bytes or KiB, MiB, GiB; durations are Go's (` + "`300ms`, `10s`, `1m30s`" + `).
What each registry URL may hold is in [nacos.md](nacos.md) and, for the embedded registry, in
[go-developer.md](go-developer.md#the-process).
`

func main() {
	w := bufio.NewWriter(os.Stdout)
	err := write(w, os.Args[1:])
	if err = errors.Join(err, w.Flush()); err != nil {
		fmt.Fprintln(os.Stderr, "docgen:", err)
		os.Exit(1)
	}
}

// write writes the page that is named.
func write(w io.Writer, args []string) error {
	switch {
	case len(args) == 1 && args[0] == "configuration":
		writeConfiguration(w)
		return nil
	case len(args) == 2 && args[0] == "errors":
		return writeErrors(w, args[1])
	}
	return fmt.Errorf("%q: want \"configuration\", or \"errors\" with the folder of package invoker", args)
}

func writeConfiguration(w io.Writer) {
	fmt.Fprint(w, head)
	for _, t := range []struct {
		title string
		of    reflect.Type
	}{
		{"", reflect.TypeFor[serve.Config]()},
		{consumers, reflect.TypeFor[client.Config]()},
		{events, reflect.TypeFor[cloudevent.Config]()},
		{activator, reflect.TypeFor[daemon.Activator]()},
		{keeper, reflect.TypeFor[daemon.Keeper]()},
	} {
		fmt.Fprint(w, t.title)
		for f := range fields(t.of) {
			fmt.Fprintln(w, row(f.Tag))
		}
	}
	fmt.Fprint(w, tail)
}

// fields gives the fields of a struct that stand for a variable and say what it means; those that don't stand in another table.
func fields(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for f := range t.Fields() {
			if f.Tag.Get("desc") != "" && !yield(f) {
				return
			}
		}
	}
}

// row gives a variable's line of the table.
func row(tag reflect.StructTag) string {
	def := "–"
	if d, ok := tag.Lookup("default"); ok {
		def = "`" + d + "`"
	}
	want := tag.Get("want")
	if tag.Get("secret") != "" {
		want += " (never shown)"
	}
	return "| `" + tag.Get("envconfig") + "` | " + def + " | " + cell(tag.Get("desc")) + " | " + cell(want) + " |"
}

// cell makes a text fit for one cell of a Markdown table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
