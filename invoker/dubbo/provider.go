package dubbo

import (
	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/invoker"
)

// Provider knows what can be called. Safe for concurrent use; it keeps none of the slices.
//
// A Provider that also has the method Types() *hessian.Types tells with it how dynamic values are written.
type Provider interface {
	// Lookup finds a method by the head of a request: the path (the Java interface), the version, the method's name and its
	// parameter types as the JVM writes them. The error is an *invoker.Error that names what does exist; it is answered with
	// a status other than 20 (see invoker.Code). What was found may be used for all later requests with the same head.
	Lookup(path, version, method, descriptor []byte) (invoker.Invoker, *hessian.Signature, error)
}

// typed is a Provider that knows the Java types of its values.
type typed interface{ Types() *hessian.Types }
