package hessian

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shownBy gives the entries of a body after n values, as text where they are text or numbers.
func shownBy(body []byte, n int) (entries []string, end int, err error) {
	show := func(v []byte) string {
		if text, ok := Text(v); ok {
			return string(text)
		}
		if i, ok := Integer(v); ok {
			return fmt.Sprint(i)
		}
		return fmt.Sprintf("%x", v)
	}
	end, err = Entries(body, n, Limits{}, func(key, value []byte) { entries = append(entries, show(key)+"="+show(value)) })
	return entries, end, err
}

func TestEntriesShowsWhatTheMapBehindTheValuesHolds(t *testing.T) {
	t.Parallel()
	long := "S\x00\x28" + string(bytes.Repeat([]byte("x"), 40))
	for name, c := range map[string]struct {
		body string
		n    int
		want []string
		end  int
	}{
		"nothing":                         {"", 0, nil, 0},
		"null":                            {"\x90N", 1, nil, 1},
		"nothing behind a value":          {"\x90", 1, nil, 1},
		"an empty map":                    {"HZ", 0, nil, 0},
		"strings":                         {"\x01aH\x05group\x02g1\x01k\x00Z", 1, []string{"group=g1", "k="}, 2},
		"a typed map":                     {"M\x01m\x01a\x01bZ", 0, []string{"a=b"}, 0},
		"a type named by the values":      {"M\x01mZM\x90\x01a\x01bZ", 1, []string{"a=b"}, 4},
		"numbers of all lengths":          {"H\x01a\x90\x01b\xc8\x80\x01c\xd4\x80\x00\x01dI\x00\x01\x00\x00\x01e\xe0\x01fL\x00\x00\x00\x01\x00\x00\x00\x00\x01g\x59\xff\xff\xff\xffZ", 0, []string{"a=0", "b=128", "c=32768", "d=65536", "e=0", "f=4294967296", "g=-1"}, 0},
		"strings in every form":           {"H\x30\x01a\x30\x02bc\x53\x00\x01a" + long + "Z", 0, []string{"a=bc", "a=" + long[3:]}, 0},
		"characters beyond ASCII":         {"H\x02\xc3\xa4\xe6\x97\xa5\x90Z", 0, []string{"ä日=0"}, 0},
		"a string in chunks is not read":  {"HR\x00\x01aS\x00\x01b\x90Z", 0, []string{"520001615300" + "0162=0"}, 0},
		"values of every kind are passed": {"H\x01aT\x01b\x79\x90\x01cC\x01C\x91\x01f\x60\x90\x01d\x51\x90Z", 0, []string{"a=54", "b=7990", "c=4301439101666090", "d=5190"}, 0},
		"a key that is a list":            {"H\x79\x90\x90Z", 0, []string{"7990=0"}, 0},
		"a reference into the values":     {"\x79\x90H\x01a\x51\x90Z", 1, []string{"a=5190"}, 2},
		"what follows is left alone":      {"HZ\xff\xff", 0, nil, 0},
	} {
		got, end, err := shownBy([]byte(c.body), c.n)
		if err != nil || end != c.end || !cmp.Equal(c.want, got) {
			t.Errorf("%s: %q, end %d, %v; want %q, end %d", name, got, end, err, c.want, c.end)
		}
	}
}

func TestEntriesRefusesWhatIsNoMapOrLies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		n    int
	}{
		"a string in the map's place": {"\x01a", 0},
		"a list in the map's place":   {"\x79\x90", 0},
		"too few values":              {"\x90", 2},
		"no end":                      {"H\x01a\x90", 0},
		"a key without a value":       {"H\x01aZ", 0},
		"a value cut short":           {"H\x01aS\xff\xffx", 0},
		"a reference to nothing":      {"H\x01a\x51\x92Z", 0},
		"a class before the end":      {"HC\x01C\x90Z", 0},
		"nested beyond the limit":     {string(bytes.Repeat([]byte{'H', 0}, 513)), 0},
	} {
		if _, _, err := shownBy([]byte(c.body), c.n); err == nil {
			t.Errorf("%s: no error", name)
		} else if e := (*Error)(nil); !errors.As(err, &e) {
			t.Errorf("%s: %T", name, err)
		}
	}
}

func TestEntriesAllocatesNothing(t *testing.T) {
	body := []byte("\x01aH\x05group\x02g1\x07timeoutI\x00\x00\x10\x00Z")
	n := 0
	each := func(key, value []byte) { n += len(key) + len(value) }
	if got := testing.AllocsPerRun(100, func() {
		if _, err := Entries(body, 1, Limits{}, each); err != nil {
			t.Error(err)
		}
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func FuzzEntries(f *testing.F) {
	f.Add([]byte("\x01aH\x05group\x02g1\x07timeoutI\x00\x00\x10\x00Z"), 1)
	f.Add([]byte("HZ"), 0)
	f.Add([]byte("M\x01mZM\x90\x01a\x01bZ"), 1)
	f.Fuzz(func(t *testing.T, body []byte, n int) {
		n = max(0, min(n, 8))
		var entries [][2][]byte
		end, err := Entries(body, n, Limits{}, func(key, value []byte) { entries = append(entries, [2][]byte{key, value}) })
		rest, scanErr := Scan(body, n+1, Limits{})
		before, beforeErr := Scan(body, n, Limits{})
		isMap := beforeErr == nil && len(before) > 0 && (before[0] == tagMap || before[0] == tagMapAny || before[0] == tagNull)
		switch {
		case beforeErr == nil && len(before) == 0:
			if err != nil || end != len(body) {
				t.Fatalf("nothing behind %d values: %d, %v", n, end, err)
			}
			return
		case (err == nil) != (scanErr == nil && isMap):
			t.Fatalf("%x: Entries says %v, Scan %v, a map %v", body, err, scanErr, isMap)
		case err != nil:
			return
		}
		// The pieces, put together, are the body up to the map's end.
		var pieces []byte
		for _, e := range entries {
			pieces = append(append(pieces, e[0]...), e[1]...)
			Text(e[0])
			Integer(e[1])
		}
		if len(entries) == 0 {
			return
		}
		if upTo := body[end : len(body)-len(rest)-1]; !bytes.HasSuffix(upTo, pieces) || len(pieces) == len(upTo) {
			t.Fatalf("%x is not what follows the head of the map in %x", pieces, body)
		}
	})
}
