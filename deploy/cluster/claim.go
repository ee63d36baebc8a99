package cluster

import (
	"context"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/dubbofn/dubbofn/cold/activator/knative"
)

// unclaimed tells whether no other function of those that the activator serves offers what the release offers: it would refuse one of them.
func (c *Cluster) unclaimed(ctx context.Context, r Release) error {
	own := readOffer(string(r.Function.Manifest))
	scope, ports := c.scope(ctx)
	others, err := c.functionsIn(ctx, scope, r.namespace())
	if err != nil {
		return err
	}
	for i := range others {
		u := &others[i]
		if u.GetNamespace() == r.namespace() && u.GetName() == r.Function.Name {
			continue
		}
		var s service
		if decode(u, &s) != nil {
			continue // the activator can't read it either
		}
		theirs, other := readOffer(s.manifest(u)), u.GetNamespace()+"/"+u.GetName()
		if theirs.App != "" && theirs.App == own.App {
			return refuse(ErrTaken, "deploy %q: application %q is deployed already, as %s, and the activator would refuse the second one: --app gives it another name, 'dubbofn undeploy -n %s %s' takes the other one away",
				r.Function.Name, own.App, other, u.GetNamespace(), u.GetName())
		}
		if ports {
			continue // each of them gets a port of its own
		}
		for _, key := range own.keys() {
			if slices.Contains(theirs.keys(), key) {
				return refuse(ErrTaken, "deploy %q: function %s offers %s too, and a call can't tell them apart, so the activator would refuse the second one: give it another group or version, take the other one away ('dubbofn undeploy -n %s %s'), or give the activator DUBBOFN_PORTS and deploy with --share",
					r.Function.Name, other, key, u.GetNamespace(), u.GetName())
			}
		}
	}
	return nil
}

// functionsIn lists the functions of namespaces; of its own one only where the others may not be seen.
func (c *Cluster) functionsIn(ctx context.Context, scope []string, own string) ([]unstructured.Unstructured, error) {
	o := metav1.ListOptions{LabelSelector: knative.Label + "=true"}
	var all []unstructured.Unstructured
	for _, namespace := range scope {
		some, err := c.list(ctx, knativeService(), namespace, o)
		switch {
		case apierrors.IsForbidden(err) && namespace != own:
			c.access.Log.Info("functions of other namespaces can't be compared with", "namespace", namespace, "cause", err)
			if namespace == metav1.NamespaceAll {
				return c.list(ctx, knativeService(), own, o)
			}
		case err != nil:
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// scope tells which namespaces the activator watches, and whether it has ports for functions that offer the same. Where that can't be seen:
// all of them, and no.
func (c *Cluster) scope(ctx context.Context) (namespaces []string, ports bool) {
	namespaces = []string{metav1.NamespaceAll}
	var d struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct {
						Env []struct {
							Name  string `json:"name"`
							Value string `json:"value"`
						} `json:"env"`
					} `json:"containers"`
				} `json:"spec"`
			} `json:"template"`
		} `json:"spec"`
	}
	if _, err := c.read(ctx, deployments(), c.access.ActivatorNamespace, activatorName, &d); err != nil {
		c.access.Log.Info("which namespaces the activator watches can't be seen", "cause", err)
		return namespaces, false
	}
	for _, container := range d.Spec.Template.Spec.Containers {
		for _, v := range container.Env {
			switch v.Name {
			case "DUBBOFN_FUNCTIONS":
				if list, ok := strings.CutPrefix(v.Value, "knative:"); ok {
					namespaces = strings.Split(list, ",")
				}
			case "DUBBOFN_PORTS":
				ports = v.Value != ""
			}
		}
	}
	return namespaces, ports
}
