// Package event is what lies between a function's process and whatever brings it events: rules that say which events become calls of what, and
// what a process offers to make those calls. It links no SDK, so that a program without events pays nothing for them; package cloudevent does.
package event
