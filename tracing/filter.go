package tracing

import (
	"context"
	"strings"

	"github.com/dubbofn/dubbofn/invoker"
)

// Provider makes a filter that gives each call that arrives an Entry span, under the span that the call's attachments tell of. A nil tracer makes none:
// the filter then gives what it is given. at tells where this provider is called, "host:port", for the tag that the Java agent gives too; nil: without it.
func Provider(t Tracer, at func() string) invoker.Filter {
	return func(next invoker.Invoker) invoker.Invoker {
		if t == nil {
			return next
		}
		return invoker.Func(func(ctx context.Context, inv *invoker.Invocation) (invoker.Result, error) {
			start := Start{Kind: Entry, Name: endpoint(inv), Peer: inv.Caller.Address, Layer: LayerRPC, Component: ComponentDubbo, Carrier: Attachments(&inv.Attachments)}
			if _, within := ctx.Value(contextKey{}).(Span); within { // for an event, which has the Entry
				start = Start{Name: start.Name, Layer: LayerFaaS}
			}
			ctx, span := t.Start(ctx, start)
			defer span.End() // after a panic too
			if start.Kind == Entry && at != nil {
				span.Tag("url", "dubbo://"+at()+"/"+start.Name)
			}
			result, err := next.Invoke(ctx, inv)
			span.Fail(err)
			return result, err
		})
	}
}

// endpoint names what is called as the Java agent does: "[group/]interface.method(String,int)", with simple names of the declared types. The version is
// not in it (AbstractServerConfig's URL path, read at 9.4.0).
func endpoint(inv *invoker.Invocation) string {
	return EndpointOf(inv.Service, inv.Method, inv.Descriptor)
}

// EndpointOf gives the name that a method's spans have: "[group/]interface.method(String,int)".
func EndpointOf(key invoker.ServiceKey, method, descriptor string) string {
	var b strings.Builder
	b.Grow(len(key.Group) + len(key.Interface) + len(method) + len(descriptor) + 4)
	if key.Group != "" {
		b.WriteString(key.Group)
		b.WriteByte('/')
	}
	b.WriteString(key.Interface)
	b.WriteByte('.')
	b.WriteString(method)
	b.WriteByte('(')
	simpleNames(&b, descriptor)
	b.WriteByte(')')
	return b.String()
}

var primitives = map[byte]string{'Z': "boolean", 'B': "byte", 'C': "char", 'S': "short", 'I': "int", 'J': "long", 'F': "float", 'D': "double", 'V': "void"}

// simpleNames writes the parameters of a JVM descriptor by their simple names. What is none it leaves out.
func simpleNames(b *strings.Builder, descriptor string) {
	for i := 0; i < len(descriptor); {
		start := i
		for i < len(descriptor) && descriptor[i] == '[' {
			i++
		}
		if i == len(descriptor) {
			return
		}
		arrays := i - start
		name, ok := primitives[descriptor[i]]
		if !ok {
			end := strings.IndexByte(descriptor[i:], ';')
			if descriptor[i] != 'L' || end < 0 {
				return
			}
			name = descriptor[i+1 : i+end]
			name = name[strings.LastIndexAny(name, "/.$")+1:]
			i += end
		}
		i++
		if start > 0 {
			b.WriteByte(',')
		}
		b.WriteString(name)
		for range arrays {
			b.WriteString("[]")
		}
	}
}
