// Package classfile reads what Java class files and the jars of them declare (JVM specification, chapter 4, up to Java 25).
//
// Files come from strangers: every length is checked against what is left before anything is allocated for it, nesting is bounded, and
// a version that is not known yet is read like the others, for as long as its structure is.
package classfile
