package oracle

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"

	hessian2 "github.com/apache/dubbo-go-hessian2"
	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/internal/hessian"
)

// library decodes one value with dubbo-go-hessian2 as it is, no scanner before it. A panic is an error.
func library(body string) (v any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return hessian2.NewDecoder([]byte(body)).Decode()
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	b, err := Codec{}.Encode(nil, []any{v})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func again(t *testing.T, body string) string {
	t.Helper()
	v, err := library(body)
	if err != nil {
		t.Fatal(err)
	}
	return encoded(t, v)
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func wantErr(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("got error %v, want %q in it", err, text)
	}
}

func decimal(text string) string {
	return "C\x14java.math.BigDecimal\x91\x05value\x60" + string([]byte{0x30, byte(len(text))}) + text
}

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

type mapHolder struct {
	Tags map[string]string
}

func (mapHolder) JavaClassName() string { return "org.example.oracle.MapHolder" }

type rival struct{ Other int32 }

// differences prove the rows of docs/hessian-differences.md, by their ids. They don't run in parallel: one measures memory.
var differences = map[string]func(*testing.T){
	"lengths-believed": func(t *testing.T) {
		body := "\x58\x49\x00\x10\x00\x00\x90" // a list of 2^20 in 7 bytes
		if n := allocated(func() { _, _ = library(body) }); n < 16<<20 {
			t.Errorf("the library allocated %d bytes for 7, want at least 16 MiB", n)
		}
		if n := allocated(func() {
			_, err := Codec{}.Decode([]byte(body), []reflect.Type{reflect.TypeFor[any]()})
			wantErr(t, err, "1048576 values, but 1 bytes left")
		}); n > 64<<10 {
			t.Errorf("behind the scanner %d bytes were allocated", n)
		}
	},
	"nesting-unbounded": func(t *testing.T) {
		body := strings.Repeat("\x79", 20000) + "N"
		if _, err := library(body); err != nil {
			t.Errorf("the library refused 20000 levels: %v", err)
		}
		_, err := Codec{}.Decode([]byte(body), []reflect.Type{reflect.TypeFor[any]()})
		var fault *hessian.Error
		if !errors.As(err, &fault) || fault.Kind != hessian.KindLimit {
			t.Errorf("behind the scanner: %v", err)
		}
	},
	"surrogate-alone": func(t *testing.T) {
		v, err := library("\x7a\x01\xed\xb8\x80\x01b") // "\ude00", "b"
		want(t, "low", v, any([]any{"\xed\xb8\x80", "b"}))
		wantNil(t, err)
		want(t, "low, written", encoded(t, "\xed\xb8\x80"), "\x03\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd")
		_, err = library("\x7a\x03a\xed\xa0\xbdb\x01c") // "a\ud83db", "c"
		wantErr(t, err, "EOF")
		_, err = library("\x7a\x01\xed\xa0\xbd\x01b") // "\ud83d", "b"
		wantErr(t, err, "panic: runtime error: slice bounds out of range")
	},
	"four-byte-sequence": func(t *testing.T) {
		_, err := library("\x7a\x02\xf0\x9f\x98\x80\x90")
		wantErr(t, err, "bad utf-8 encoding")
	},
	"decimal-scale": func(t *testing.T) {
		want(t, "1E+3", again(t, decimal("1E+3")), strings.ReplaceAll(decimal("1000"), "\x30\x04", "\x04"))
	},
	"decimal-digits": func(t *testing.T) {
		_, err := library(decimal(strings.Repeat("1", 82)))
		wantErr(t, err, "Data Overflow")
	},
	"null-string-in-array": func(t *testing.T) {
		v, err := library("\x72\x07[string\x01aN")
		want(t, "value", v, any([]string{"a", ""}))
		wantNil(t, err)
	},
	"null-map-value": func(t *testing.T) {
		v, err := library("M\x17java.util.LinkedHashMap\x01aN\x01b\x91Z")
		want(t, "value", v, any(map[any]any{"b": int32(1)}))
		wantNil(t, err)
	},
	"collection-class": func(t *testing.T) {
		want(t, "LinkedList", again(t, "\x71\x14java.util.LinkedList\x91"), "\x58\x91\x91")
		want(t, "HashSet", again(t, "\x71\x11java.util.HashSet\x91"), "\x58\x91\x91")
		want(t, "TreeMap", again(t, "M\x11java.util.TreeMap\x91\x92Z"), "H\x91\x92Z")
	},
	"map-key": func(t *testing.T) {
		_, err := library("H\x79\x91\x92Z")
		wantErr(t, err, "panic: runtime error: hash of unhashable type")
	},
	"narrow-arrays": func(t *testing.T) {
		want(t, "short[]", again(t, "\x71\x06[short\x91"), "V\x04[int\x91\x91")
		want(t, "float[]", again(t, "\x71\x06[float\x5c"), "V\x07[double\x91\x5c")
	},
	"object-array": func(t *testing.T) {
		want(t, "byte[][]", again(t, "\x71\x06[[byte\x21a"), "\x58\x91\x21a")
	},
	"unknown-class": func(t *testing.T) {
		v, err := library("C\x03x.Z\x92\x01b\x01a\x60\x91\x92")
		want(t, "value", v, any(map[string]any{"_class": "x.Z", "b": int32(1), "a": int32(2)}))
		wantNil(t, err)
	},
	"nil-slice": func(t *testing.T) {
		want(t, "[]any(nil)", encoded(t, []any(nil)), "\x58\x90")
		want(t, "[]string(nil)", encoded(t, []string(nil)), "N")
	},
	"go-arrays": func(t *testing.T) {
		_, err := Codec{}.Encode(nil, []any{[2]int32{1, 2}})
		wantErr(t, err, "panicked")
	},
	"type-numbers": func(t *testing.T) {
		// the type a is told twice in full, then b; number 2 is b for Java
		_, err := library("\x7c\x71\x01a\x91\x71\x01a\x91\x71\x01b\x91\x71\x92\x91")
		wantErr(t, err, "type")
	},
	"structure-numbers": func(t *testing.T) {
		_, err := library("\x58\xe1\x90") // the length 1 as a long
		wantErr(t, err, "integer wrong tag")
	},
	"double-mill": func(t *testing.T) {
		v, err := library("\x5f\x23\x30\x38\x31") // 590362673 thousandths
		want(t, "value", v, any(590362.673))
		wantNil(t, err)
		var d hessian.Decoder
		d.Reset(hessian.NewTypes(), []byte("\x5f\x23\x30\x38\x31"), hessian.Limits{})
		ours, err := d.Value()
		want(t, "ours", ours, any(590362.6730000001))
		wantNil(t, err)
	},
	"longer-forms": func(t *testing.T) {
		want(t, "list of 1", encoded(t, []any{int32(1)}), "\x58\x91\x91")
		want(t, "12.25", encoded(t, 12.25), "D\x40\x28\x80\x00\x00\x00\x00\x00")
	},
	"global-registry": func(t *testing.T) {
		if err := Register("org.example.oracle.MapHolder", mapHolder{}); err != nil {
			t.Fatal(err)
		}
		body := "C\x1corg.example.oracle.MapHolder\x91\x04tags\x60H\x01a\x01bZ"
		if err := Register("org.example.oracle.MapHolder", rival{}); err != nil {
			t.Fatal(err)
		}
		v, err := Codec{}.Decode([]byte(body), []reflect.Type{reflect.TypeFor[any]()})
		want(t, "value", v, []any{&mapHolder{Tags: map[string]string{"a": "b"}}})
		wantNil(t, err)
	},
}

func wantNil(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func TestDifferencesAreAsTheTableSays(t *testing.T) {
	for id, prove := range differences {
		t.Run(id, prove)
	}
}

func TestTableOfDifferencesIsWhole(t *testing.T) {
	text, err := os.ReadFile("../../../docs/hessian-differences.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		rows[m[1]] = true
		if differences[m[1]] == nil {
			t.Errorf("row %q has no test", m[1])
		}
	}
	for id := range differences {
		if !rows[id] {
			t.Errorf("test %q has no row", id)
		}
	}
}
