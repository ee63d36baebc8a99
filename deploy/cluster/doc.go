// Package cluster puts functions onto Knative and looks after them there: it applies what package deploy renders, waits until consumers find the
// function, tells what is wrong where that does not come about, lists functions, shows their logs, and takes them away. It speaks to the
// Kubernetes API alone; what the activator sees it asks through the API server too. It needs no access to the registry.
package cluster
