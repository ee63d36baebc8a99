// Package image makes OCI images of Go programs without a container engine: a static program, its base, who it runs as, what it is made of, for
// every platform, pushed to a registry or written to the disk. The same sources give the same bytes, on any machine with the same Go, in any
// folder, at any time.
package image
