package hessian_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/java"
)

// letter has strings before, between and behind what isn't one.
type letter struct {
	From, To, Subject string
	Pages             int32
	Lines             []string
	Answer            *letter
	Cc                []string
	Greeting, Place   string
	A, B, C, D, E, F  string
	Last              string
}

func (letter) JavaClassName() string { return "org.example.Letter" }

func TestStringsReadTogetherAreWhatWasWritten(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a line of 32 characters, and so ", 40)
	many := make([]string, 50)
	for i := range many {
		many[i] = strings.Repeat("x", i*7%300)
	}
	want := &letter{
		From: "Ada", To: "", Subject: "北京 and Zürich 🎈", Pages: 3, Lines: many, Cc: []string{"", "one", "", "両方", "🎈🎈", long, ""},
		Greeting: long, Place: "p", A: "a", B: "b", C: strings.Repeat("é", 120), D: "d", E: strings.Repeat("e", 255), F: "f", Last: "last",
	}
	want.Answer = &letter{From: "Charles", Lines: []string{}, Answer: want, Last: long[:256]}
	types, _, body := encoded(t, want)
	got, err := decodeAs[*letter](t, types, body)
	if err != nil {
		t.Fatal(err)
	}
	if got.Answer == nil || got.Answer.Answer != got {
		t.Fatal("the answer's answer is another letter")
	}
	got.Answer.Answer, want.Answer.Answer = nil, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOfAFieldThatComesTwiceTheLastValueCounts(t *testing.T) {
	t.Parallel()
	types := hessian.NewTypes()
	for _, c := range []struct{ values, want string }{
		{"03 'abc' 03 'def'", "def"}, {"03 'abc' 'N'", ""}, {"03 'abc' 00", ""}, {"'N' 03 'abc'", "abc"}, {"00 03 'abc'", "abc"},
		{"03 'abc' 02 eda0bd edb888", "\U0001f608"}, {"02 eda0bd edb888 03 'abc'", "abc"},
	} {
		got, err := decodeAs[letter](t, types, bytesOf(t, "'C' 12 'org.example.Letter' 92 04 'from' 04 'From' 60"+c.values))
		if err != nil || got.From != c.want {
			t.Errorf("%s: %q, %v, want %q", c.values, got.From, err, c.want)
		}
	}
}

func TestEntriesAreTheBodysWhateverCameBefore(t *testing.T) {
	t.Parallel()
	var d hessian.Decoder
	types := hessian.NewTypes()
	long := strings.Repeat("v", 200)
	for _, c := range []struct{ body, want string }{
		{"'H' 01 'a' 01 'x' 01 'b' 01 'y' 'Z'", "a=x b=y"},
		{"'H' 01 'a' 01 'x' 01 'b' 01 'y' 'Z'", "a=x b=y"},
		{"'H' 01 'b' 01 'y' 01 'a' 01 'x' 'Z'", "b=y a=x"},
		{"'H' 01 'b' 91 01 'a' 00 'Z'", "b=1 a="},
		{"'H' 00 00 01 'a' 'N' 'Z'", "= a=<nil>"},
		{"'H' 00 01 'x' 01 'a' 30 c8 '" + long + "' 'Z'", "=x a=" + long},
		{"'H' 00 01 'x' 91 01 'x' 'Z'", "=x 1=x"},
		{"'H' 01 'a' 'C' 01 'k' 90 60 01 'b' 01 'x' 'Z'", "a={k []} b=x"},
		{"'N'", ""},
		{"'H' 'Z'", ""},
		{"'H' 01 'a' 01 'x' 01 'b' 01 'y' 'Z'", "a=x b=y"},
	} {
		d.Reset(types, bytesOf(t, c.body), hessian.Limits{})
		var got []string
		if err := d.Map(func(key string, value any) error {
			got = append(got, key+"="+shown(value))
			return nil
		}); err != nil {
			t.Errorf("%s: %v", c.body, err)
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s: %q, want %q", c.body, text, c.want)
		}
	}
}

func shown(v any) string {
	if o, ok := v.(*java.Object); ok {
		return fmt.Sprintf("{%s %v}", o.Class, o.Fields)
	}
	return fmt.Sprint(v)
}
