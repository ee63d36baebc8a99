// Package gocomment reads what a function's Go sources say of its services: the comments of methods, types and fields, and the names of parameters. It
// parses, and compiles nothing, so it finds what stands plainly in fn.NewService, fn.Method, fn.Struct, fn.Class and fn.Throws; what it does not find has no comment.
package gocomment
