package decimal_test

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/apd/v3"

	"github.com/dubbofn/dubbofn/java"
	"github.com/dubbofn/dubbofn/java/decimal"
)

func Example() {
	price, err := java.ParseBigDecimal("19.90")
	if err != nil {
		fmt.Println(err)
		return
	}
	x, err := decimal.From(price)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := apd.BaseContext.Mul(x, x, apd.New(3, 0)); err != nil {
		fmt.Println(err)
		return
	}
	total, err := decimal.To(x)
	fmt.Println(total, err)
	// Output: 59.70 <nil>
}

func TestValuesGoThereAndBack(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"0", "0.00", "1.50", "-1.50", "1E+3", "0E-10", "-123456789012345678901234567890.1230", "1E+100000", "1E-100000"} {
		d, err := java.ParseBigDecimal(text)
		if err != nil {
			t.Fatal(err)
		}
		x, err := decimal.From(d)
		if err != nil {
			t.Fatal(err)
		}
		back, err := decimal.To(x)
		if err != nil || back.String() != text {
			t.Errorf("%s comes back as %s, %v", text, back, err)
		}
	}
}

func TestWhatTheOtherLacksIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1E+100001", "1E-2147483647"} {
		d, err := java.ParseBigDecimal(text)
		if err != nil {
			t.Fatal(err)
		}
		if x, err := decimal.From(d); err == nil {
			t.Errorf("%s: %s", text, x)
		}
	}
	for _, text := range []string{"NaN", "-Infinity"} {
		x, _, err := apd.NewFromString(text)
		if err != nil {
			t.Fatal(err)
		}
		if d, err := decimal.To(x); err == nil {
			t.Errorf("%s: %s", text, d)
		}
	}
	if x, err := decimal.From(nil); x != nil || err != nil {
		t.Errorf("null: %v, %v", x, err)
	}
	if d, err := decimal.To(nil); d != nil || err != nil {
		t.Errorf("null: %v, %v", d, err)
	}
}
