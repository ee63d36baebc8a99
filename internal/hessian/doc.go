// Package hessian reads and writes Hessian 2 as Dubbo's hessian-lite does (3.2.13 with Dubbo 2.7.23, 4.0.x with Dubbo 3.3).
//
// A Go type is compiled once, by Types.Register, into a Plan: what its Java class is, and how a variable of it is read
// and written. A Plan works on the variable's memory, so that no value on the way is boxed or looked at by reflection.
// Where no type is known, values have the dynamic form that package java describes, and any Go value can be written.
//
// What is read is hostile until shown otherwise. A Decoder goes over a body once, and checks on the way that sizes fit what
// is left of it, that values don't nest too deep, and that they take no more memory than a multiple of the body.
//
// A reference to a list, map or object gives the same Go pointer or map wherever Go has the same type for both places.
// Where it hasn't, what is referred to is read once more, from where it stands in the body, as the type that is wanted.
package hessian
