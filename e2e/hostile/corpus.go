package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
)

// item is what one connection sends.
type item struct {
	name  string
	bytes []byte
	error bool // it can be answered, so it must be, with a status other than 20
}

// corpus is everything that no consumer sends. Two of one seed are the same.
func corpus(seed uint64) []item {
	var all []item
	all = append(all, framing()...)
	all = append(all, truncated()...)
	all = append(all, lies()...)
	all = append(all, heads()...)
	all = append(all, replies()...)
	return append(all, mutated(rand.New(rand.NewPCG(seed, 1)), 400)...)
}

// framing is bytes that are no frame, or whose length can't be.
func framing() []item {
	good := honest(1)
	items := []item{
		{"wrong magic", append([]byte{0xca, 0xfe}, good[2:]...), false},
		{"half magic", append([]byte{0xda, 0x00}, good[2:]...), false},
		{"half magic, then a good frame", append([]byte{0xda}, good...), false},
		{"http", []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), false},
		{"tls", []byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3}, false},
		{"zeros", make([]byte, 64<<10), false},
		{"no body", frame(request|twoWay|hessian, 0, 2, nil), true},
		{"body of one byte", frame(request|twoWay|hessian, 0, 2, []byte{'N'}), true},
	}
	for _, n := range []uint32{8<<20 + 1, 1 << 28, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
		items = append(items, item{fmt.Sprintf("length %d", n), claimed(request|twoWay|hessian, 0, 3, n, good[headBytes:]), false})
	}
	// a length that is allowed and never comes
	items = append(items, item{"length 8 MiB, of which 40 bytes come", claimed(request|twoWay|hessian, 0, 4, 8<<20, good[headBytes:]), false})
	return items
}

// truncated cuts a good frame at every byte: once the stream ends there, once the head says that the body does.
func truncated() []item {
	good := frame(request|twoWay|hessian, 0, 5, call(types, "echoPerson", "Lorg/fixture/dubbo/Person;", person, noAttachments))
	var items []item
	for n := range good {
		items = append(items, item{fmt.Sprintf("stream cut at byte %d", n), good[:n], false})
	}
	body := good[headBytes:]
	for n := range len(body) - len(noAttachments) {
		items = append(items, item{fmt.Sprintf("body cut at byte %d", n), frame(request|twoWay|hessian, 0, 6, body[:n]), true})
	}
	return items
}

// person is an org.fixture.dubbo.Person of two fields.
var person = join([]byte{'C'}, text("org.fixture.dubbo.Person"), []byte{0x92}, text("name"), text("age"), []byte{0x60}, text("p"), []byte{0x94})

// lies are values that claim more than there is, nest without end, or refer to themselves and to nothing.
func lies() []item {
	const huge, deep = 1 << 28, 2 << 20
	many := number(huge)
	values := map[string][]byte{
		"typed list of 2^28":           join([]byte{'V'}, text("[int"), many, []byte{0x90}),
		"untyped list of 2^28":         join([]byte{'X'}, many, []byte{0x90}),
		"list of 2^28 strings":         join([]byte{'V'}, text("[string"), many, text("a")),
		"list of 2^28 bytes":           join([]byte{'V'}, text("[byte"), many, []byte{0x90}),
		"list of 2^31-1":               join([]byte{'X'}, number(1<<31-1)),
		"list of -1":                   join([]byte{'X'}, number(1<<32-1)),
		"set of 2^28":                  join([]byte{'V'}, text("java.util.HashSet"), many, []byte{0x90}),
		"list without end":             join([]byte{'U'}, text("[int"), bytes.Repeat([]byte{0x90}, 1000)),
		"map without end":              join([]byte{'H'}, bytes.Repeat([]byte{0x90}, 1001)),
		"map of an unknown class":      join([]byte{'M'}, text("org.unknown.Map"), bytes.Repeat([]byte{0x90}, 1000)),
		"map that is its own key":      {'H', 'Q', 0x91, 0x90, 'Z'},
		"2 MB of lists in lists":       bytes.Repeat([]byte{0x79}, deep),
		"2 MB of endless lists":        bytes.Repeat([]byte{'W'}, deep),
		"2 MB of maps in maps":         bytes.Repeat([]byte{'H'}, deep),
		"2 MB of maps as values":       bytes.Repeat([]byte{'H', 0x90}, deep/2),
		"2 MB of objects":              join([]byte{'C'}, text("org.fixture.dubbo.Node"), []byte{0x91}, text("next"), bytes.Repeat([]byte{0x60}, deep)),
		"2 MB of typed lists":          bytes.Repeat(join([]byte{0x71}, text("[object")), deep/9),
		"class of 2^28 fields":         join([]byte{'C'}, text("org.fixture.dubbo.Person"), many, text("a")),
		"class of -1 fields":           join([]byte{'C'}, text("org.fixture.dubbo.Person"), number(1<<32-1)),
		"2 MB of class definitions":    bytes.Repeat(join([]byte{'C'}, text("a.B"), []byte{0x90}), deep/6),
		"object of no class":           {'O', 0x95},
		"object of class 2^28":         join([]byte{'O'}, many),
		"reference to nothing":         {'Q', 0x90},
		"reference to 2^28":            join([]byte{'Q'}, many),
		"list of itself":               {0x79, 'Q', 0x91},
		"list type by a bad reference": {0x71, 0x95, 0x90},
		"string of 65535":              {'S', 0xff, 0xff, 'a'},
		"string of endless chunks":     bytes.Repeat([]byte{'R', 0, 1, 'a'}, 1000),
		"string of bad UTF-8":          {0x04, 0xff, 0xfe, 0xfd, 0xfc},
		"binary of 65535":              {'B', 0xff, 0xff, 1},
		"binary of endless chunks":     bytes.Repeat([]byte{'A', 0, 1, 1}, 1000),
		"tags that don't exist":        {0x40, 0x45, 0x47},
		"decimal without end":          join([]byte{'C'}, text("java.math.BigDecimal"), []byte{0x91}, text("value"), []byte{0x60}, text("1E+2147483647")),
		"decimal that is none":         join([]byte{'C'}, text("java.math.BigDecimal"), []byte{0x91}, text("value"), []byte{0x60}, text("one")),
		"enum without a name":          join([]byte{'C'}, text("org.fixture.dubbo.Color"), []byte{0x91}, text("name"), []byte{0x60}, []byte{'N'}),
		"enum of an unknown constant":  join([]byte{'C'}, text("org.fixture.dubbo.Color"), []byte{0x91}, text("name"), []byte{0x60}, text("MAUVE")),
		"list that lies within a list": join([]byte{'X'}, number(4), join([]byte{'X'}, many)),
		"a map of lists that lie":      join([]byte{'H'}, text("a"), join([]byte{'X'}, many)),
		"a person whose list lies":     join([]byte{'C'}, text("org.fixture.dubbo.Person"), []byte{0x91}, text("others"), []byte{0x60, 'X'}, many),
		"a person whose bytes lie":     join([]byte{'C'}, text("org.fixture.dubbo.Person"), []byte{0x91}, text("blob"), []byte{0x60, 'B', 0xff, 0xff}),
	}
	methods := [][2]string{
		{"echoObject", "Ljava/lang/Object;"}, {"echoPerson", "Lorg/fixture/dubbo/Person;"}, {"echoInts", "[I"}, {"echoPersons", "Ljava/util/List;"},
		{"echoPersonMap", "Ljava/util/Map;"}, {"echoString", "Ljava/lang/String;"}, {"echoBytes", "[B"}, {"echoSet", "Ljava/util/Set;"},
	}
	// these are values that some method may take, or that pass where nobody looks inside
	lenient := []string{"map that is its own key", "list of itself", "2 MB of class definitions", "enum of an unknown constant", "enum without a name", "decimal", "string of bad UTF-8", "2 MB"}
	var items []item
	for name, v := range values {
		must := true
		for _, l := range lenient {
			must = must && !strings.HasPrefix(name, l)
		}
		for _, m := range methods {
			items = append(items, item{name + " for " + m[0], frame(request|twoWay|hessian, 0, 7, call(types, m[0], m[1], v, noAttachments)), must})
		}
		items = append(items,
			item{name + " as attachments", frame(request|twoWay|hessian, 0, 8, call(types, "echoInt", "I", number(1), v)), false},
			item{name + " as an attachment", frame(request|twoWay|hessian, 0, 9, call(types, "echoInt", "I", number(1), []byte{'H'}, text("k"), v, []byte{'Z'})), false},
			item{name + " as a method", frame(request|twoWay|hessian, 0, 10, join(text("2.0.2"), text(types), text("0.0.0"), v)), false})
	}
	return items
}

// heads are requests for what is not there, in words that are none, of serializations that nobody speaks.
func heads() []item {
	long := strings.Repeat("L", 60_000)
	asked := [][3]string{
		{"org.unknown.Service", "echoInt", "I"}, {types, "noSuchMethod", "I"}, {types, "echoInt", "J"}, {types, "echoInt", ""}, {types, "echoInt", "II"}, {types, "echoInt", "V"},
		{types, "echoPerson", "Lorg/fixture/dubbo/Person"}, {types, "echoInts", strings.Repeat("[", 60_000) + "I"}, {types, "echoInt", long}, {types, long, "I"},
		{long, "echoInt", "I"}, {"", "", ""}, {types, "$invoke", "Ljava/lang/String;"}, {types, "$echo", "I"}, {"../../etc/passwd", "\x00", "\r\n"},
	}
	var items []item
	for i, a := range asked {
		must := a[1] != "$echo" // which takes anything
		items = append(items, item{fmt.Sprintf("head %d", i), frame(request|twoWay|hessian, 0, 11, call(a[0], a[1], a[2], number(1), noAttachments)), must})
	}
	good := honest(12)
	for id := range byte(32) {
		if id != hessian {
			bad := bytes.Clone(good)
			bad[2] = request | twoWay | id
			items = append(items, item{fmt.Sprintf("serialization %d", id), bad, true})
		}
	}
	for _, generic := range []string{"bean", "gson", "raw.return", "protobuf-json", "nativejava", "unknown"} {
		attachments := join([]byte{'H'}, text("generic"), text(generic), []byte{'Z'})
		args := join(text("echoInt"), []byte{0x71}, text("[string"), text("int"), []byte{0x71}, text("[object"), number(1))
		body := call(types, "$invoke", "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;", args, attachments)
		items = append(items, item{"generic=" + generic, frame(request|twoWay|hessian, 0, 13, body), generic != "unknown"})
	}
	return items
}

// replies are frames that a consumer never sends, and good ones in bulk.
func replies() []item {
	answer := frame(hessian, 20, 14, []byte{0x94, 0x90})
	heartbeat := frame(request|twoWay|event|hessian, 0, 15, []byte{'N'})
	return []item{
		{"an answer to nothing", answer, false},
		{"a thousand answers to nothing", bytes.Repeat(answer, 1000), false},
		{"an answer of an unknown status", frame(hessian, 200, 14, []byte{'N'}), false},
		{"a thousand heartbeats", bytes.Repeat(heartbeat, 1000), false},
		{"a heartbeat with a body that lies", frame(request|twoWay|event|hessian, 0, 16, join([]byte{'X'}, number(1<<28))), false},
		{"an event that nobody knows", frame(request|event|hessian, 0, 17, text("Z")), false},
		{"READONLY from a consumer", frame(request|event|hessian, 0, 18, text("R")), false},
		{"one id a hundred times", bytes.Repeat(honest(19), 100), false},
		{"one way, with arguments that lie", frame(request|hessian, 0, 20, call(types, "oneWay", "Ljava/lang/String;", []byte{'S', 0xff, 0xff})), false},
	}
}

// mutated changes a few bytes of a good frame.
func mutated(r *rand.Rand, n int) []item {
	good := frame(request|twoWay|hessian, 0, 21, call(types, "echoPerson", "Lorg/fixture/dubbo/Person;", person, noAttachments))
	items := make([]item, n)
	for i := range items {
		b := bytes.Clone(good)
		for range 1 + r.IntN(4) {
			b[r.IntN(len(b))] = byte(r.IntN(256))
		}
		items[i] = item{fmt.Sprintf("mutation %d", i), b, false}
	}
	return items
}
