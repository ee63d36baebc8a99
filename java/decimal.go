package java

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// BigDecimal is java.math.BigDecimal: an integer times ten to the minus scale. The scale is kept ("1.50" stays "1.50"), and its text is the one that
// BigDecimal.toString gives. The zero value is 0. It does not change, except by UnmarshalText. For arithmetic see package java/decimal.
type BigDecimal struct {
	unscaled big.Int
	scale    int32
}

// NewBigDecimal gives unscaled × 10^−scale, as new BigDecimal(BigInteger, int) does: 150 and 2 are 1.50.
func NewBigDecimal(unscaled *big.Int, scale int32) *BigDecimal {
	d := &BigDecimal{scale: scale}
	d.unscaled.Set(unscaled)
	return d
}

// ParseBigDecimal reads what new BigDecimal(String) reads, digits other than 0 to 9 excepted: "-1.50", ".5", "1E+3". Its time grows faster than the
// count of digits: bound what strangers write.
func ParseBigDecimal(s string) (*BigDecimal, error) {
	digits, exponent, err := splitExponent(s)
	if err != nil {
		return nil, decimalError(s, err)
	}
	unsigned := strings.TrimPrefix(digits, "-")
	if unsigned == digits {
		unsigned = strings.TrimPrefix(digits, "+")
	}
	before, after, _ := strings.Cut(unsigned, ".")
	if before == "" && after == "" || !isDigits(before) || !isDigits(after) {
		return nil, decimalError(s, errors.New("want digits, with a point at most"))
	}
	scale := int64(len(after)) - exponent
	if scale < math.MinInt32 || scale > math.MaxInt32 {
		return nil, decimalError(s, fmt.Errorf("its scale %d is not one of Java's int", scale))
	}
	d := &BigDecimal{scale: int32(scale)}
	if len(before)+len(after) <= fewDigits {
		d.unscaled.SetUint64(number(after, number(before, 0)))
	} else {
		d.unscaled.SetString(before+after, 10)
	}
	if digits[0] == '-' {
		d.unscaled.Neg(&d.unscaled)
	}
	return d, nil
}

// fewDigits are as many as always fit into 64 bits. Nearly all decimals have no more, and need none of big.Int's arithmetic.
const fewDigits = 19

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// number appends digits to a number.
func number(digits string, n uint64) uint64 {
	for i := range len(digits) {
		n = n*10 + uint64(digits[i]-'0')
	}
	return n
}

// splitExponent gives the exponent that a number ends with, else 0, and what is before it.
func splitExponent(s string) (digits string, exponent int64, err error) {
	i := strings.IndexAny(s, "eE")
	if i < 0 {
		return s, 0, nil
	}
	text := s[i+1:]
	if exponent, err = strconv.ParseInt(text, 10, 32); err != nil {
		return "", 0, fmt.Errorf("its exponent %.30q is no int", text)
	}
	return s[:i], exponent, nil
}

func decimalError(s string, err error) error {
	return fmt.Errorf("read java.math.BigDecimal %.60q: %w", s, err)
}

// Unscaled gives a copy of the integer: 150 of 1.50.
func (d *BigDecimal) Unscaled() *big.Int { return new(big.Int).Set(&d.unscaled) }

// Scale gives how many of its digits are behind the point, 2 of 1.50; where it is negative, how many zeros are left out before it.
func (d *BigDecimal) Scale() int32 { return d.scale }

// Cmp compares values as BigDecimal.compareTo does: 1.5 is 1.50. It gives −1, 0 or 1.
func (d *BigDecimal) Cmp(other *BigDecimal) int {
	sign := d.unscaled.Sign()
	if c := cmp.Compare(sign, other.unscaled.Sign()); c != 0 || sign == 0 {
		return c
	}
	a, b := new(big.Int).Abs(&d.unscaled), new(big.Int).Abs(&other.unscaled)
	// the place of the first digit decides, where it differs: else the scales are as far apart as the counts of digits
	c := cmp.Compare(int64(len(a.String()))-int64(d.scale), int64(len(b.String()))-int64(other.scale))
	if c == 0 {
		apart := int64(d.scale) - int64(other.scale)
		shift := new(big.Int).Exp(big.NewInt(10), big.NewInt(max(apart, -apart)), nil)
		if apart < 0 {
			a.Mul(a, shift)
		} else {
			b.Mul(b, shift)
		}
		c = a.Cmp(b)
	}
	return sign * c
}

// leastPlain is the least exponent of a first digit that toString writes without "E".
const leastPlain = -6

// String gives what BigDecimal.toString gives: "1.50", "1E+3", "0E-10".
func (d *BigDecimal) String() string { return string(d.text()) }

func (d *BigDecimal) text() []byte {
	var room [fewDigits + 1]byte
	digits := room[:0]
	if d.unscaled.IsInt64() {
		digits = strconv.AppendInt(digits, d.unscaled.Int64(), 10)
	} else {
		digits = d.unscaled.Append(digits, 10)
	}
	digits = bytes.TrimPrefix(digits, []byte("-"))
	b := make([]byte, 0, len(digits)+len("-0.000000"))
	if d.unscaled.Sign() < 0 {
		b = append(b, '-')
	}
	exponent := int64(len(digits)) - 1 - int64(d.scale) // of the first digit
	point := len(digits) - int(d.scale)                 // digits before the point
	switch {
	case d.scale == 0:
		return append(b, digits...)
	case d.scale > 0 && exponent >= leastPlain && point > 0:
		b = append(b, digits[:point]...)
		b = append(b, '.')
		return append(b, digits[point:]...)
	case d.scale > 0 && exponent >= leastPlain:
		b = append(b, "0.000000"[:2-point]...)
		return append(b, digits...)
	}
	b = append(b, digits[0])
	if len(digits) > 1 {
		b = append(b, '.')
		b = append(b, digits[1:]...)
	}
	b = append(b, 'E')
	if exponent > 0 {
		b = append(b, '+')
	}
	return strconv.AppendInt(b, exponent, 10)
}

// MarshalText gives String's text.
func (d *BigDecimal) MarshalText() ([]byte, error) { return d.text(), nil }

// UnmarshalText reads as [ParseBigDecimal] does.
func (d *BigDecimal) UnmarshalText(text []byte) error {
	read, err := ParseBigDecimal(string(text))
	if err == nil {
		*d = *read
	}
	return err
}
