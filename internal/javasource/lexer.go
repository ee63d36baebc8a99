package javasource

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind of token
type kind uint8

const (
	end kind = iota
	word
	literal // of any type
	mark    // one character that stands for itself; ... is three of them
)

// token is a piece of a source. doc is the documentation comment that stands before it.
type token struct {
	kind kind
	text string
	doc  string
}

// lexer takes tokens off a source. A copy of it remembers a place to come back to.
type lexer struct {
	src  string
	at   int
	line int
	tok  token // the next one
	err  error
}

func newLexer(src string) lexer {
	l := lexer{src: strings.TrimPrefix(src, "\ufeff"), line: 1}
	l.advance()
	return l
}

func (l *lexer) fail(format string, args ...any) {
	if l.err == nil {
		l.err = fmt.Errorf("line %d: %s", l.line, fmt.Sprintf(format, args...))
	}
	l.tok, l.at = token{}, len(l.src)
}

// next takes a token.
func (l *lexer) next() token {
	t := l.tok
	l.advance()
	return t
}

// is tells whether the next token is this word or mark.
func (l *lexer) is(text string) bool {
	return l.tok.text == text && l.tok.kind != literal && l.tok.kind != end
}

// skip takes the next token, where it is this one.
func (l *lexer) skip(text string) bool {
	if !l.is(text) {
		return false
	}
	l.advance()
	return true
}

func (l *lexer) want(text string) {
	if !l.skip(text) {
		l.fail("want %s; got %s", text, l.found())
	}
}

func (l *lexer) found() string {
	if l.tok.kind == end {
		return "the end of the file"
	}
	return fmt.Sprintf("%.40q", l.tok.text)
}

// name takes a word.
func (l *lexer) name() string {
	if l.tok.kind != word {
		l.fail("want a name; got %s", l.found())
		return ""
	}
	return l.next().text
}

func (l *lexer) advance() {
	if l.err != nil {
		return
	}
	doc := l.blank()
	if l.err != nil {
		return
	}
	if l.at >= len(l.src) {
		l.tok = token{kind: end, doc: doc}
		return
	}
	c, size := utf8.DecodeRuneInString(l.src[l.at:])
	begin := l.at
	switch {
	case letter(c):
		l.run(func(c rune) bool { return letter(c) || unicode.IsDigit(c) || unicode.IsMark(c) })
		l.tok = token{word, l.src[begin:l.at], doc}
	case c >= '0' && c <= '9':
		l.run(func(c rune) bool { return letter(c) || unicode.IsDigit(c) }) // 1.5 is two of them, which is all the same here
		l.tok = token{literal, l.src[begin:l.at], doc}
	case strings.HasPrefix(l.src[l.at:], `"""`):
		l.at += 3
		l.quoted(`"""`)
		l.tok = token{literal, `"`, doc}
	case c == '"' || c == '\'':
		l.at++
		l.quoted(string(c))
		l.tok = token{literal, string(c), doc}
	default:
		l.at += size
		l.tok = token{mark, l.src[begin:l.at], doc}
	}
}

func letter(c rune) bool { return c == '_' || c == '$' || unicode.IsLetter(c) }

func (l *lexer) run(part func(rune) bool) {
	for l.at < len(l.src) {
		c, size := utf8.DecodeRuneInString(l.src[l.at:])
		if !part(c) {
			return
		}
		l.at += size
	}
}

// quoted passes over what follows an opening quote, with the closing one.
func (l *lexer) quoted(closing string) {
	for l.at < len(l.src) {
		switch c := l.src[l.at]; {
		case c == '\\':
			l.at++
		case strings.HasPrefix(l.src[l.at:], closing):
			l.at += len(closing)
			return
		case c == '\n' && len(closing) == 1:
			l.fail("a text that does not end in its line")
			return
		case c == '\n':
			l.line++
		}
		l.at++
	}
	l.at = len(l.src)
	l.fail("a text that does not end")
}

// blank passes over blanks and comments, and gives the last documentation comment among them.
func (l *lexer) blank() (doc string) {
	for l.at < len(l.src) {
		rest := l.src[l.at:]
		switch c := rest[0]; {
		case c == '\n':
			l.line++
			l.at++
		case c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == 0x1a:
			l.at++
		case strings.HasPrefix(rest, "//"):
			if i := strings.IndexByte(rest, '\n'); i >= 0 {
				l.at += i
			} else {
				l.at = len(l.src)
			}
		case strings.HasPrefix(rest, "/*"):
			i := strings.Index(rest[2:], "*/")
			if i < 0 {
				l.fail("a comment that does not end")
				return ""
			}
			text := rest[:i+4]
			l.line += strings.Count(text, "\n")
			l.at += len(text)
			if strings.HasPrefix(text, "/**") && len(text) > 4 {
				doc = docText(text)
			}
		default:
			return doc
		}
	}
	return doc
}

// docText is a documentation comment without its stars.
func docText(comment string) string {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimSuffix(strings.TrimPrefix(comment, "/**"), "*/"), "\n") {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "*"); ok {
			line = strings.TrimPrefix(strings.TrimLeft(rest, "*"), " ")
		}
		lines = append(lines, strings.TrimRight(line, " \t\r"))
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}
