// Package registry is where providers are written down and found: instances of applications, the metadata that tells which
// services an application offers, and the mapping from a Java interface to the applications that offer it.
//
// It holds the vocabulary ([Instance], [Metadata], [Registration]), the small interfaces that a registry implements
// ([Registry], and [Lookup] and [Watcher] found by type assertion), and [Embedded], a registry within one machine.
// Real registries are packages of their own. The package imports the standard library only.
package registry
