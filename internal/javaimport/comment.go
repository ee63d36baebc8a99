package javaimport

import (
	"regexp"
	"strings"
	"unicode"
)

var (
	inline   = regexp.MustCompile(`\{@(?:code|literal|link|linkplain|value)\s+([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}`)
	element  = regexp.MustCompile(`</?[A-Za-z][^<>]*>`)
	newlines = regexp.MustCompile(`\n{3,}`)
	entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&nbsp;", " ", "&#64;", "@", "&amp;", "&")
)

// goDoc makes the lines of a Go comment of a documentation comment of Java's.
func goDoc(doc string) []string {
	if doc == "" {
		return nil
	}
	doc = strings.Map(func(c rune) rune {
		if c == '\n' || !unicode.IsControl(c) && c != '\u2028' && c != '\u2029' {
			return c
		}
		return ' '
	}, doc)
	doc = inline.ReplaceAllStringFunc(doc, func(tag string) string {
		text := strings.TrimSpace(inline.FindStringSubmatch(tag)[1])
		if strings.HasPrefix(tag, "{@link") {
			text = strings.ReplaceAll(strings.TrimPrefix(text, "#"), "#", ".")
		}
		return text
	})
	doc = strings.NewReplacer("<p>", "\n\n", "<P>", "\n\n", "<br>", "\n", "<br/>", "\n", "<li>", "\n  - ").Replace(doc)
	doc = entities.Replace(element.ReplaceAllString(doc, ""))
	var text, deprecated []string
	into := &text
	for line := range strings.SplitSeq(doc, "\n") {
		line = strings.TrimRight(line, " ")
		tag, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		rest = strings.TrimSpace(rest)
		switch {
		case !strings.HasPrefix(tag, "@"):
			*into = append(*into, line)
			continue
		case tag == "@deprecated":
			deprecated = append(deprecated, "", "Deprecated: "+rest)
			into = &deprecated
			continue
		}
		into = &text
		switch name, about, _ := strings.Cut(rest, " "); tag {
		case "@param", "@throws", "@exception":
			text = append(text, name+": "+strings.TrimSpace(about))
		case "@return":
			text = append(text, "It returns "+rest)
		default: // @author, @since, @see: nothing for whoever fills in a method
			into = new([]string)
		}
	}
	all := strings.Trim(newlines.ReplaceAllString(strings.Join(append(text, deprecated...), "\n"), "\n\n"), "\n ")
	if all == "" {
		return nil
	}
	return strings.Split(all, "\n")
}
