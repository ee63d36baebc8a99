// Package java holds Go values for Java types that Go lacks, and for Java values whose class is only known at run time.
//
// A method's arguments and results may use any of them. Where Go has a type of its own, that type is the one to use:
// time.Time for java.util.Date, time.Duration for java.time.Duration, *big.Int for java.math.BigInteger.
package java
