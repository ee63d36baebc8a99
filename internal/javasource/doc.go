// Package javasource reads what Java sources declare: interfaces, classes, enums, records and exceptions with their fields, methods, generics
// and comments. Bodies of methods and initial values are passed over, not parsed.
//
// It reads what javac accepts, and some of what it does not: sources are taken for what they declare, not judged. Nesting is bounded, and a
// file that can't be read is refused with its line.
package javasource
