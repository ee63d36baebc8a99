// Package decimal turns java.BigDecimal into apd.Decimal, which can do arithmetic, and back. It is a package of its own since apd takes a millisecond of
// every start of what links it.
package decimal

import (
	"fmt"

	"github.com/cockroachdb/apd/v3"

	"github.com/dubbofn/dubbofn/java"
)

// From gives d's value, its scale kept. It fails where the scale is beyond what apd computes with (100,000 either way); nil gives nil.
func From(d *java.BigDecimal) (*apd.Decimal, error) {
	if d == nil {
		return nil, nil
	}
	if scale := d.Scale(); scale > -apd.MinExponent || scale < -apd.MaxExponent {
		return nil, fmt.Errorf("turn java.math.BigDecimal into apd.Decimal: scale %d is beyond %d", scale, apd.MaxExponent)
	}
	return apd.NewWithBigInt(new(apd.BigInt).SetMathBigInt(d.Unscaled()), -d.Scale()), nil
}

// To gives d's value, its scale kept. NaN and the infinities, which Java lacks, are errors; nil gives nil.
func To(d *apd.Decimal) (*java.BigDecimal, error) {
	if d == nil {
		return nil, nil
	}
	if d.Form != apd.Finite {
		return nil, fmt.Errorf("turn apd.Decimal into java.math.BigDecimal: %s is no number of Java's", d)
	}
	n := d.Coeff.MathBigInt()
	if d.Negative {
		n.Neg(n)
	}
	return java.NewBigDecimal(n, -d.Exponent), nil
}
