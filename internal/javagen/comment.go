package javagen

import (
	"fmt"
	"go/doc/comment"
	"strings"
)

// Comments are what the sources say. Every text is a Go comment without its slashes: blank lines part paragraphs, indented lines are as they are.
type Comments struct {
	Services map[string]string        // by interface
	Methods  map[string]MethodComment // by [MethodKey]
	Classes  map[string]string        // by class; enums, exceptions and interfaces too
	Fields   map[string]string        // by "class.field", constants of enums by "class.CONSTANT"
}

// MethodComment is what the sources say of one method.
type MethodComment struct {
	Text string
	// Parameters are the names of all parameters in the method's order; empty where they are not known, and "" for one that has none.
	Parameters []string
}

// MethodKey is what a method is found by in [Comments].
func MethodKey(iface, name, descriptor string) string {
	return fmt.Sprintf("%s.%s(%s)", iface, name, descriptor)
}

// javadoc gives the lines of a comment, none where there is no text. The parts are parted by paragraphs.
func javadoc(indent string, parts ...string) string {
	var html []string
	for _, text := range parts {
		if strings.TrimSpace(text) == "" {
			continue
		}
		var p comment.Parser
		printer := comment.Printer{HeadingID: func(*comment.Heading) string { return "" }}
		html = append(html, strings.TrimSpace(string(printer.HTML(p.Parse(text)))))
	}
	if len(html) == 0 {
		return ""
	}
	text := strings.TrimPrefix(strings.Join(html, "\n"), "<p>")
	lines := strings.Split(inComment(text), "\n")
	if len(lines) == 1 {
		return indent + "/** " + lines[0] + " */\n"
	}
	var b strings.Builder
	b.WriteString(indent + "/**\n")
	for _, l := range lines {
		b.WriteString(strings.TrimRight(indent+" * "+l, " ") + "\n")
	}
	b.WriteString(indent + " */\n")
	return b.String()
}

// inComment takes from a text what would end a comment, or be read in it: javac reads \u everywhere, and javadoc @ and {@.
var inComment = strings.NewReplacer("*/", "*&#47;", `\`, "&#92;", "@", "&#64;", "\r", "", "\t", "    ").Replace
