package cluster

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Remove takes a function away, with the Triggers that were made for it, and waits until its pods are gone and the activator has forgotten it.
// What is not the function's stays. tell is as in [Cluster.Wait].
func (c *Cluster) Remove(ctx context.Context, name string, tell func(string)) ([]Change, error) {
	op := fmt.Sprintf("undeploy %q", name)
	u, _, err := c.functionNamed(ctx, op, name)
	if err != nil {
		return nil, err
	}
	triggers, err := c.triggersOf(ctx, name)
	if err != nil {
		return nil, c.explain(op, err)
	}
	var changes []Change
	remove := func(k kind, name string, o metav1.DeleteOptions) error {
		err := c.objects.Resource(k.at).Namespace(c.access.Namespace).Delete(ctx, name, o)
		if err != nil && !apierrors.IsNotFound(err) { // somebody else was faster
			return c.explain(fmt.Sprintf("delete %s %q", k.name, name), err)
		}
		changes = append(changes, Change{Kind: k.name, Namespace: c.access.Namespace, Name: name, Action: "deleted"})
		return nil
	}
	for _, t := range triggers { // first, so that no event wakes it again
		if err := remove(trigger(), t, metav1.DeleteOptions{}); err != nil {
			return changes, err
		}
	}
	id := u.GetUID()
	background := metav1.DeletePropagationBackground
	if err := remove(knativeService(), name, metav1.DeleteOptions{PropagationPolicy: &background, Preconditions: &metav1.Preconditions{UID: &id}}); err != nil {
		return changes, err
	}
	return changes, c.explain(op, c.gone(ctx, name, once(tell)))
}

// gone waits until nothing is left of a function.
func (c *Cluster) gone(ctx context.Context, name string, tell func(string)) error {
	last := "what it was made of"
	for {
		left, err := c.left(ctx, name)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			return err
		case left == "":
			return nil
		default:
			last = left
			tell(left)
		}
		if c.pause(ctx) {
			continue
		}
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return refusal{kind: ctx.Err(), text: fmt.Sprintf("undeploy %q: it is deleted, but there is still %s; it ends by itself", name, last)}
		}
		return ctx.Err()
	}
}

// left says what there still is of a function; empty: nothing, as far as that may be seen.
func (c *Cluster) left(ctx context.Context, name string) (string, error) {
	_, err := c.objects.Resource(knativeService().at).Namespace(c.access.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err == nil {
		return "its Knative Service", nil
	}
	if !apierrors.IsNotFound(err) {
		return "", err
	}
	pods, err := c.podsOf(ctx, c.access.Namespace, serviceLabel, name)
	if err != nil && !apierrors.IsForbidden(err) {
		return "", err
	}
	if len(pods) > 0 {
		return "its pods, which finish what they have", nil
	}
	known, err := c.ask(ctx)
	if _, ok := known[c.access.Namespace+"/"+name]; ok && err == nil {
		return "its stand-in at the activator", nil
	}
	return "", nil
}
