// Package directory finds the providers of a service and follows them: in a registry, at application level and beside it at
// interface level, or in a list of addresses.
//
// What a registry says is not believed too soon. An empty list keeps the last one for a while; metadata that can't be had, or
// lies, leaves out the instances concerned, is tried again for ever, and disturbs nobody else.
package directory
