package java

import "github.com/cockroachdb/apd/v3"

// BigDecimal is java.math.BigDecimal. The scale is kept ("1.50" stays "1.50") and its text is the one that
// BigDecimal.toString gives. NaN and infinities, which Java lacks, can't be sent.
type BigDecimal = apd.Decimal

// Char is Java's char: one UTF-16 unit, which may be half of a surrogate pair.
type Char uint16
