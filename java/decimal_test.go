package java_test

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/dubbofn/dubbofn/java"
)

// The texts are those of Java 17: new BigDecimal(text).toString().
func TestDecimalsPrintAsInJava(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, want string
		scale      int32
	}{
		{"0", "0", 0},
		{"-0.0", "0.0", 1},
		{"1.50", "1.50", 2},
		{"+1.", "1", 0},
		{".5", "0.5", 1},
		{"-00012.30", "-12.30", 2},
		{"1E+3", "1E+3", -3},
		{"1000e0", "1000", 0},
		{"12.3E+5", "1.23E+6", -4},
		{"0.000001", "0.000001", 6},
		{"0.0000001", "1E-7", 7},
		{"-123E-10", "-1.23E-8", 10},
		{"123E-8", "0.00000123", 8},
		{"0E-6", "0.000000", 6},
		{"0E-7", "0E-7", 7},
		{"0E+7", "0E+7", -7},
		{"123456789012345678901234567890.1230", "123456789012345678901234567890.1230", 4},
		{"9223372036854775807", "9223372036854775807", 0},
		{"-9223372036854775808", "-9223372036854775808", 0},
		{"-922337203685477580.9", "-922337203685477580.9", 1},
		{"9999999999999999999", "9999999999999999999", 0},
		{"-18446744073709551615.0", "-18446744073709551615.0", 1},
		{"-99999999999999999999", "-99999999999999999999", 0},
		{"1E+2147483647", "1E+2147483647", -2147483647},
		{"1E-2147483647", "1E-2147483647", 2147483647},
		{"12E-2147483647", "1.2E-2147483646", 2147483647},
	} {
		d, err := java.ParseBigDecimal(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if d.String() != c.want || d.Scale() != c.scale {
			t.Errorf("%q: %s with scale %d, want %s with %d", c.text, d, d.Scale(), c.want, c.scale)
		}
		var again java.BigDecimal
		if err := again.UnmarshalText([]byte(d.String())); err != nil || again.Scale() != d.Scale() || again.Cmp(d) != 0 {
			t.Errorf("%q: read again it is %s, %v", c.text, &again, err)
		}
		if same := java.NewBigDecimal(d.Unscaled(), d.Scale()); same.String() != c.want {
			t.Errorf("%q: of its parts it is %s", c.text, same)
		}
	}
	if text := new(java.BigDecimal).String(); text != "0" {
		t.Errorf("the zero value is %s", text)
	}
}

func TestWhatIsNoDecimalIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", ".", "-", "+-1", "--1", "1.2.3", "1,5", " 1", "1 ", "NaN", "Infinity", "0x1", "1_000", "1E", "1E+", "1E+-1", "1E1.5", "E5", "٣",
		"1E+2147483648", "1E-2147483649", "0.1E-2147483647", "1E99999999999999999999",
	} {
		if d, err := java.ParseBigDecimal(text); err == nil || !strings.Contains(err.Error(), "java.math.BigDecimal") {
			t.Errorf("%q: %v, %v", text, d, err)
		}
	}
	d, err := java.ParseBigDecimal("7")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.UnmarshalText([]byte("x")); err == nil || d.String() != "7" {
		t.Errorf("what can't be read leaves %s, %v", d, err)
	}
}

func TestDecimalsAreComparedByTheirValue(t *testing.T) {
	t.Parallel()
	rising := []string{"-1E+2147483647", "-100", "-1.51", "-1.5", "-1E-2147483647", "0E+9", "1E-2147483647", "0.999", "1", "1.000001", "1.5", "15", "1E+2", "1E+2147483647"}
	for i, a := range rising {
		for j, b := range rising {
			x, y := decimal(t, a), decimal(t, b)
			if got, want := x.Cmp(y), big.NewInt(int64(i)).Cmp(big.NewInt(int64(j))); got != want {
				t.Errorf("%s and %s: %d, want %d", a, b, got, want)
			}
		}
	}
	for a, b := range map[string]string{"1.5": "1.500", "1E+2": "100.0", "-0.0": "0E+2147483647", "-20": "-2E+1"} {
		if c := decimal(t, a).Cmp(decimal(t, b)); c != 0 {
			t.Errorf("%s and %s: %d", a, b, c)
		}
	}
}

func TestDecimalsShareNothing(t *testing.T) {
	t.Parallel()
	n := big.NewInt(150)
	d := java.NewBigDecimal(n, 2)
	n.SetInt64(7)
	d.Unscaled().SetInt64(8)
	if d.String() != "1.50" {
		t.Errorf("it has become %s", d)
	}
	if text := java.NewBigDecimal(big.NewInt(-1), math.MinInt32).String(); text != "-1E+2147483648" {
		t.Errorf("the least scale: %s", text)
	}
}

func decimal(t *testing.T, text string) *java.BigDecimal {
	t.Helper()
	d, err := java.ParseBigDecimal(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func FuzzDecimal(f *testing.F) {
	for _, text := range []string{"1.50", "-.5e-3", "0E+7", "1E+2147483647", "x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1000 {
			return
		}
		d, err := java.ParseBigDecimal(text)
		if err != nil {
			return
		}
		again, err := java.ParseBigDecimal(d.String())
		if d.Scale() == math.MinInt32 || d.Scale() < -math.MaxInt32+2000 {
			return // Java can't read its own text of these either, where they have many digits
		}
		if err != nil || again.Scale() != d.Scale() || again.Cmp(d) != 0 || again.String() != d.String() {
			t.Errorf("%q reads as %s, that as %v, %v", text, d, again, err)
		}
	})
}
