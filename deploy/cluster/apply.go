package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/dubbofn/dubbofn/cold/activator/knative"
)

// fieldManager is who the API server writes down as having set what is applied.
const fieldManager = "dubbofn"

// Options are how a [Release] is applied. The zero value is the careful way.
type Options struct {
	// DryRun has the API server check everything, with Knative's own checks, and change nothing.
	DryRun bool
	// Force takes over fields that somebody else has set, and a Knative Service that is no function.
	Force bool
	// Share lets it offer what another function offers too.
	Share bool
}

// Change is what became of one object.
type Change struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Action    string `json:"action"` // "created", "configured", "unchanged"
}

// Apply puts a release onto the cluster, on the server's side: fields that others have set stay theirs. Nothing is changed where Knative is
// missing, the name belongs to something else, or another function offers the same.
func (c *Cluster) Apply(ctx context.Context, r Release, o Options) ([]Change, error) {
	if r.Function.Namespace == "" {
		r.Function.Namespace = c.access.Namespace
	}
	objects, err := r.objects()
	if err != nil {
		return nil, err
	}
	if err := c.Check(ctx, len(r.Triggers) > 0); err != nil {
		return nil, err
	}
	if err := c.free(ctx, r, o); err != nil {
		return nil, c.explain(fmt.Sprintf("deploy %q", r.Function.Name), err)
	}
	var changes []Change
	for _, u := range objects {
		change, err := c.apply(ctx, u, o)
		if err != nil {
			return changes, err
		}
		changes = append(changes, change)
	}
	return changes, nil
}

// Check tells whether the API server answers and knows Knative Serving, and with eventing Knative Eventing. It needs no rights: what the API
// server knows may be read by everybody who is known to it.
func (c *Cluster) Check(ctx context.Context, eventing bool) error {
	for _, part := range []struct {
		group, name, page string
		needed            bool
	}{
		{knativeService().at.Group, "Serving", "https://knative.dev/docs/install/yaml-install/serving/install-serving-with-yaml/", true},
		{trigger().at.Group, "Eventing, which triggers need", "https://knative.dev/docs/install/yaml-install/eventing/install-eventing-with-yaml/", eventing},
	} {
		if !part.needed {
			continue
		}
		has, err := c.has(ctx, part.group)
		if err != nil {
			return c.explain("look for Knative", err)
		}
		if !has {
			return refuse(ErrNoKnative, "the cluster at %s has no Knative %s: %s says how to install it; or choose another --context", c.base.Host, part.name, part.page)
		}
	}
	return nil
}

// has tells whether the API server knows a group of APIs, in the version v1.
func (c *Cluster) has(ctx context.Context, group string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	resp, err := c.get(ctx, nil, "apis", group, "v1")
	if status(err) == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxStatus)) // so that the connection can be used again
	return true, resp.Body.Close()
}

func status(err error) int32 {
	var s apierrors.APIStatus
	if errors.As(err, &s) {
		return s.Status().Code
	}
	return 0
}

// free tells whether nothing else has what the release wants.
func (c *Cluster) free(ctx context.Context, r Release, o Options) error {
	u, err := c.objects.Resource(knativeService().at).Namespace(r.namespace()).Get(ctx, r.Function.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
	case err != nil:
		return err
	case u.GetLabels()[knative.Label] != "true" && !o.Force:
		return refuse(ErrTaken, "deploy %q: namespace %s has a Knative Service of that name that is no function (it has no label %s): choose another name with --name, or --force to take it over", r.Function.Name, r.namespace(), knative.Label)
	}
	if o.Share {
		return nil
	}
	return c.unclaimed(ctx, r)
}

func (c *Cluster) apply(ctx context.Context, u *unstructured.Unstructured, o Options) (Change, error) {
	k, err := kindOf(u)
	if err != nil {
		return Change{}, err
	}
	change := Change{Kind: k.name, Namespace: u.GetNamespace(), Name: u.GetName(), Action: "created"}
	op := fmt.Sprintf("apply %s %q", k.name, u.GetName())
	at := c.objects.Resource(k.at).Namespace(u.GetNamespace())
	before, err := at.Get(ctx, u.GetName(), metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return change, c.explain(op, err)
	}
	exists := err == nil
	options := metav1.ApplyOptions{FieldManager: fieldManager, Force: o.Force}
	if o.DryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	after, err := at.Apply(ctx, u.GetName(), u, options)
	if err != nil {
		return change, c.explain(op, err)
	}
	if exists {
		change.Action = "configured"
		if same(before, after) {
			change.Action = "unchanged"
		}
	}
	return change, nil
}

// same compares what somebody can have asked for.
func same(a, b *unstructured.Unstructured) bool {
	return equality.Semantic.DeepEqual(a.Object["spec"], b.Object["spec"]) &&
		equality.Semantic.DeepEqual(a.GetLabels(), b.GetLabels()) && equality.Semantic.DeepEqual(a.GetAnnotations(), b.GetAnnotations())
}
