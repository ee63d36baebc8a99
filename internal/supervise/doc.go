// Package supervise runs functions on one machine as Knative runs them in a cluster: behind one HTTP listener, each started by the first
// request for it and ended after a time without requests, or when its program was replaced. `dubbofn run` and the tests have it in Knative's place.
//
// A function has one process at a time; another one may still be draining. Requests wait while it starts. What a process prints
// goes to one writer, with the function's name in front of each line. No process outlives the [Supervisor], not even one that is killed (on
// Linux). What a process started and left behind is killed when it ends (on Linux).
package supervise
