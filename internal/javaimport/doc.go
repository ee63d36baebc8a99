// Package javaimport makes the Go side of Java interfaces that exist: types for their classes, enums and exceptions, a service to fill in,
// and a typed client. docs/import.md has the table of what becomes what.
//
// A [Library] is what class files, jars and sources declare; [Library.Import] makes Go of the part that an interface needs.
package javaimport
