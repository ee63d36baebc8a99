// Package fn turns plain Go functions into the methods of a Dubbo service.
//
//	func Greet(ctx context.Context, req *GreetRequest) (*GreetReply, error) { … }
//
//	fn.NewService("org.example.GreetService", fn.Method("greet", Greet, fn.Idempotent))
//
// A method is any function of the shape func([ctx,] args…) ([R,] error). Slices stand for Java's arrays and lists, pointers to
// numbers for its boxed types, structs for its classes; docs/types.md has the whole table. A struct's Java class is, in this
// order: what its method JavaClassName() says, what [Class] says, else the package of the service interface followed by the
// Go type's name. A name given to several functions is overloaded, as in Java.
//
// Nothing here panics: faults are collected, and [NewSet] reports all of them together.
//
// A function learns of its caller, and of the attachments that came with the call, from invoker.FromContext; the context
// carries the call's deadline. What it returns as an error reaches Java as
//
//   - its own class, for an *invoker.Exception, for an error type declared by [Throws], and for one with a JavaClassName method;
//   - java.lang.RuntimeException with the error's text, for any other error;
//   - "method failed", for a panic, whose stack goes to the log only.
//
// An *invoker.Error that the function made itself becomes a status of the response, which says that the call failed, not the
// method; one that came from another provider is an error like any other.
package fn
