package javaimport

import (
	"go/token"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// initialisms are written in capitals at the end of a Go name, and where they are all of it.
var initialisms = []string{"Id", "Url", "Uri", "Uuid", "Api", "Http", "Json", "Xml", "Html", "Sql", "Ip"}

// exported makes an exported Go name of a Java one.
func exported(java string) string {
	var b strings.Builder
	up := true
	for _, c := range java {
		switch {
		case c == '_' || c == '$' || !unicode.IsLetter(c) && !unicode.IsDigit(c):
			up = up || b.Len() > 0
			continue
		case up:
			c = unicode.ToUpper(c)
		}
		up = false
		b.WriteRune(c)
	}
	name := b.String()
	if first, _ := utf8.DecodeRuneInString(name); !unicode.IsUpper(first) {
		name = "X" + name // of a script without capitals, or a digit
	}
	for _, short := range initialisms {
		if head, ok := strings.CutSuffix(name, short); ok {
			return head + strings.ToUpper(short)
		}
	}
	return name
}

// constantName makes "InStock" of IN_STOCK.
func constantName(java string) string {
	if java != strings.ToUpper(java) {
		return exported(java)
	}
	var b strings.Builder
	for part := range strings.FieldsFuncSeq(strings.ToLower(java), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }) {
		first, n := utf8.DecodeRuneInString(part)
		b.WriteRune(unicode.ToUpper(first))
		b.WriteString(part[n:])
	}
	return b.String()
}

// parameterName makes the name of a Go parameter; taken are those of the same function.
func parameterName(java string, i int, taken map[string]bool) string {
	name := strings.Map(func(c rune) rune {
		if c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c) {
			return c
		}
		return -1
	}, java)
	if first, n := utf8.DecodeRuneInString(name); name == "" || name == "_" || unicode.IsDigit(first) {
		name = "arg" + strconv.Itoa(i+1)
	} else if strings.ToUpper(name) != name || len(name) == 1 {
		name = string(unicode.ToLower(first)) + name[n:]
	}
	if token.IsKeyword(name) || reserved[name] {
		name += "Arg"
	}
	return unique(name, taken)
}

// reserved are the names that mean something else where a parameter's would stand: packages, what is predeclared, and the method's own.
var reserved = map[string]bool{
	"big": true, "client": true, "context": true, "ctx": true, "errors": true, "fn": true, "h": true, "java": true, "time": true, "invoker": true,
	"any": true, "bool": true, "byte": true, "error": true, "float32": true, "float64": true, "int": true, "int16": true, "int32": true, "int64": true, "int8": true,
	"string": true, "nil": true, "true": true, "false": true, "new": true, "len": true, "cap": true, "append": true, "copy": true, "make": true, "min": true, "max": true,
	"close": true, "clear": true, "delete": true, "init": true, "iota": true, "rune": true, "uint": true,
}

// unique gives a name that is not taken yet, and takes it.
func unique(name string, taken map[string]bool) string {
	for n, first := 2, name; taken[name]; n++ {
		name = first + strconv.Itoa(n)
	}
	taken[name] = true
	return name
}

// packageName makes the name of a Go package of a Java package's.
func packageName(java string) string {
	last := strings.ToLower(java[strings.LastIndexByte(java, '.')+1:])
	name := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, last)
	if name == "" || name[0] <= '9' || token.IsKeyword(name) || reserved[name] || name == "main" || name == "internal" {
		name = "java" + name + "api"
	}
	return name
}

// fileName makes "types_service" of TypesService.
func fileName(goName string) string {
	var b strings.Builder
	runes := []rune(goName)
	for i, c := range runes {
		if unicode.IsUpper(c) && i > 0 && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return strings.Map(func(c rune) rune {
		if c < 0x80 {
			return c
		}
		return 'x'
	}, b.String())
}
