package javaserial_test

import (
	"bufio"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/internal/javaserial"
)

const text = "org.example.UserService:1.0:blue#getUser#s3cret#1700000000000"

func TestBytesAreJavas(t *testing.T) {
	t.Parallel()
	f, err := os.Open("../../auth/testdata/signatures.tsv") // written by e2e/signatures with a JVM
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	type list = javaserial.List
	a, b := "a", "b"
	cases := map[string][]any{
		"none": {}, "null": {nil}, "string": {"größe 😀 \x00"}, "two strings": {"a", "a"}, "one string twice": {"a", "a"},
		"int": {int32(42)}, "small ints": {int32(42), int32(42), int32(43)}, "large ints": {int32(4200), int32(4200)},
		"long":             {int64(42), int64(42), int64(-5_000_000_000)},
		"short byte char":  {int16(7), int8(-7), javaserial.Char('ß'), int16(7), int8(-7), javaserial.Char('a'), javaserial.Char('a')},
		"float double":     {float32(1.5), -2.25, float32(1.5)},
		"boolean":          {true, false, true},
		"mixed":            {int64(1), "a", int32(1), int64(2), true},
		"bytes":            {[]byte{1, 2, 255}},
		"primitive arrays": {[]int32{1, -2}, []int64{3}, []int16{4}, javaserial.Chars{'x'}, []float32{1}, []float64{2}, []bool{true, false}, []int32{5}},
		"strings":          {[]*string{&a, nil, &b}},
		"list":             {list{int32(1), "a", nil, int64(2)}},
		"empty list":       {list{}},
		"list of lists":    {list{list{"a"}, list{"a"}}},
		"date":             {time.UnixMilli(1700000000123)},
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	seen := 0
	for lines.Scan() {
		parts := strings.Split(lines.Text(), "\t")
		if len(parts) != 3 || parts[1] == "" {
			continue
		}
		values, ok := cases[parts[0]]
		if !ok {
			t.Errorf("no case %q here", parts[0])
		}
		identity := javaserial.Distinct
		if parts[0] == "one string twice" {
			identity = javaserial.Interned
		}
		got, err := javaserial.Marshal(append(values, text), identity)
		if err != nil || hex.EncodeToString(got) != parts[1] {
			t.Errorf("%s: %v\n  ours %x\nJava's %s", parts[0], err, got, parts[1])
		}
		seen++
	}
	if seen != len(cases) || lines.Err() != nil {
		t.Errorf("%d cases of Java's, want %d; %v", seen, len(cases), lines.Err())
	}
}

func TestWhatIsJavasOwnIsRefused(t *testing.T) {
	t.Parallel()
	deep := javaserial.List{}
	for range 70 {
		deep = javaserial.List{deep}
	}
	for want, v := range map[string]any{"struct {} is written differently": struct{}{}, "map[string]int is": map[string]int{}, "deeper than 64": deep, "int is": 1} {
		if _, err := javaserial.Marshal([]any{"x", v}, javaserial.Distinct); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "value 2 of 2") {
			t.Errorf("%T: %v", v, err)
		}
	}
}
