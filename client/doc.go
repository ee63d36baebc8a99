// Package client calls Dubbo services: it finds their providers in registries or at given addresses, balances, routes and retries,
// and reads and writes Go values as Java ones.
//
//	users, err := client.Reference(ctx, "org.example.UserService", client.Version("1.0"), client.Registries(nacos.Registry))
//	var u User
//	err = users.Call(ctx, "getUser", &u, 42)
//
// A Go int is Java's long, a slice a java.util.List: docs/types.md has the whole table. A struct's Java class is what its method
// JavaClassName says, what [Class] says, else the package of the interface followed by the Go type's name. Where Go's types don't
// tell Java's, [Method] declares them.
//
// An error is an *invoker.Error when the call failed, and an *invoker.Exception when the Java method threw. errors.As also finds a
// Go error type that [Throws] declares for the exception's class.
//
// Within a function the caller's attachments that concern the whole chain pass on to the function's own calls (see
// [Config.PassOn]), and so does its deadline.
package client
