// Package deploy writes the Kubernetes manifests of a function, of the activator and of the keeper, and of
// what brings events to functions. It touches no cluster: what it gives is
// text for "kubectl apply -f -", with comments that say which of Knative's settings a line needs and what happens without.
package deploy
