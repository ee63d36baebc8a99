package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/dubbofn/dubbofn/cold/activator/knative"
)

// Function is a function on the cluster.
type Function struct {
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	URL       string   `json:"url,omitempty"`
	Ready     string   `json:"ready"`              // "True", "False", "Unknown": not yet
	Why       string   `json:"why,omitempty"`      // it is not ready
	Revision  string   `json:"revision,omitempty"` // Knative's latest that is ready
	Image     string   `json:"image,omitempty"`
	App       string   `json:"app,omitempty"`
	Services  []string `json:"services"` // "[group/]interface[:version]"
	// State is the activator's word: "asleep", "waking", "awake", "refused"; empty: it does not know the function, or was not asked. Fault
	// is why it refuses it.
	State string `json:"state,omitempty"`
	Fault string `json:"fault,omitempty"`
	// Visible tells whether consumers find it in the registry.
	Visible bool `json:"visible"`
	// Note says why the activator was not asked, and what to do.
	Note    string    `json:"note,omitempty"`
	Created time.Time `json:"created,omitzero"`
}

func functionOf(u *unstructured.Unstructured, s *service) Function {
	o, ready := readOffer(s.manifest(u)), s.Status.of("Ready")
	f := Function{
		Namespace: u.GetNamespace(), Name: u.GetName(), URL: cmp.Or(s.Status.URL, s.Status.Address.URL), Ready: ready.Status, Revision: s.Status.Ready, Image: s.image(),
		App: o.App, Services: o.keys(), Created: u.GetCreationTimestamp().Time,
	}
	if s.Status.Observed < u.GetGeneration() {
		f.Ready = "Unknown"
	}
	if f.Ready != "True" {
		f.Why = strings.Join(strings.Fields(ready.Message), " ")
	}
	return f
}

func (f *Function) see(s seen) {
	f.State, f.Fault, f.Visible = s.State, s.Fault, s.Visible
}

// List gives the functions of the namespace, or of all. note says why the activator was not asked, if so.
func (c *Cluster) List(ctx context.Context, everywhere bool) (all []Function, note string, err error) {
	namespace := c.access.Namespace
	if everywhere {
		namespace = metav1.NamespaceAll
	}
	found, err := c.list(ctx, knativeService(), namespace, metav1.ListOptions{LabelSelector: knative.Label + "=true"})
	if err != nil {
		return nil, "", c.explain("list functions", err)
	}
	known, err := c.ask(ctx)
	if err != nil {
		note = c.unasked(err)
	}
	all = []Function{}
	for i := range found {
		var s service
		if err := decode(&found[i], &s); err != nil {
			return nil, "", fmt.Errorf("read Knative Service %q: %w", found[i].GetName(), err)
		}
		f := functionOf(&found[i], &s)
		f.see(known[f.Namespace+"/"+f.Name])
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b Function) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	return all, note, nil
}

// Detail is everything about one function on the cluster.
type Detail struct {
	Function
	Conditions []Condition     `json:"conditions"` // of the Service, and of its newest revision
	Traffic    []Share         `json:"traffic"`
	Pods       []Pod           `json:"pods"`
	Triggers   []string        `json:"triggers"` // that were made for it
	Trouble    *Trouble        `json:"trouble,omitempty"`
	Manifest   json.RawMessage `json:"manifest,omitempty"`
}

// Share is what part of the calls a Knative revision gets.
type Share struct {
	Revision string `json:"revision"`
	Percent  int64  `json:"percent"`
	Tag      string `json:"tag,omitempty"`
}

// Pod is one process of a function.
type Pod struct {
	Name     string    `json:"name"`
	Revision string    `json:"revision"`
	Phase    string    `json:"phase"` // "Running" …, or "Ending"
	Ready    bool      `json:"ready"`
	Restarts int       `json:"restarts"`
	Created  time.Time `json:"created"`
}

// Describe gives everything about a function.
func (c *Cluster) Describe(ctx context.Context, name string) (Detail, error) {
	op := fmt.Sprintf("describe %q", name)
	u, s, err := c.functionNamed(ctx, op, name)
	if err != nil {
		return Detail{}, err
	}
	d := Detail{Function: functionOf(u, &s), Pods: []Pod{}, Triggers: []string{}, Traffic: []Share{}}
	if m := s.manifest(u); json.Valid([]byte(m)) {
		d.Manifest = json.RawMessage(m)
	}
	for _, t := range s.Status.Traffic {
		d.Traffic = append(d.Traffic, Share(t))
	}
	known, err := c.ask(ctx)
	if err != nil {
		d.Note = c.unasked(err)
	}
	d.see(known[d.Namespace+"/"+d.Name])
	p, err := c.patient(ctx, d.Namespace, name, s)
	if err != nil && !apierrors.IsForbidden(err) {
		return d, c.explain(op, err)
	}
	for object, all := range map[string][]Condition{"Knative Service " + name: s.Status.Conditions, "Knative revision " + s.Status.Created: p.revision.Conditions} {
		for _, condition := range all {
			condition.Object = object
			d.Conditions = append(d.Conditions, condition)
		}
	}
	slices.SortStableFunc(d.Conditions, func(a, b Condition) int { return strings.Compare(a.Object, b.Object) })
	if d.Ready != "True" {
		if d.Trouble = p.diagnose(); d.Trouble != nil {
			p.evidence(ctx, d.Trouble)
		}
	}
	if d.Pods, err = c.processes(ctx, d.Namespace, name); err != nil && !apierrors.IsForbidden(err) {
		return d, c.explain(op, err)
	}
	triggers, err := c.triggersOf(ctx, name)
	if err != nil {
		return d, c.explain(op, err)
	}
	d.Triggers = append(d.Triggers, triggers...)
	return d, nil
}

func (c *Cluster) processes(ctx context.Context, namespace, name string) ([]Pod, error) {
	all := []Pod{}
	found, err := c.podsOf(ctx, namespace, serviceLabel, name)
	for i := range found {
		p := &found[i]
		s, _ := p.function()
		out := Pod{Name: p.name, Revision: p.labels[revisionLabel], Phase: p.Status.Phase, Ready: s.Ready, Restarts: s.Restarts, Created: p.created}
		if p.ending {
			out.Phase = "Ending"
		}
		all = append(all, out)
	}
	return all, err
}

// functionNamed gets the Knative Service of a function of the namespace.
func (c *Cluster) functionNamed(ctx context.Context, op, name string) (*unstructured.Unstructured, service, error) {
	var s service
	u, err := c.read(ctx, knativeService(), c.access.Namespace, name, &s)
	switch {
	case apierrors.IsNotFound(err) && !strings.Contains(err.Error(), "could not find the requested resource"):
		return nil, s, refuse(ErrNotFound, "%s: namespace %s has no function of that name: 'dubbofn list -A' shows where which are", op, c.access.Namespace)
	case err != nil:
		return nil, s, c.explain(op, err)
	case u.GetLabels()[knative.Label] != "true":
		return nil, s, refuse(ErrTaken, "%s: the Knative Service of that name in namespace %s is no function (it has no label %s): kubectl is for it", op, c.access.Namespace, knative.Label)
	}
	return u, s, nil
}

// triggersOf names the Triggers that were made for a function: none where there is no Eventing, or they may not be seen.
func (c *Cluster) triggersOf(ctx context.Context, name string) ([]string, error) {
	if has, err := c.has(ctx, trigger().at.Group); err != nil || !has { // a role may not even ask for what does not exist
		return nil, err
	}
	found, err := c.list(ctx, trigger(), c.access.Namespace, metav1.ListOptions{LabelSelector: madeForLabel + "=" + name})
	if apierrors.IsForbidden(err) {
		c.access.Log.Warn("triggers that were made for the function can't be seen: there is no right to list triggers.eventing.knative.dev", "namespace", c.access.Namespace)
		return nil, nil
	}
	var names []string
	for i := range found {
		names = append(names, found[i].GetName())
	}
	slices.Sort(names)
	return names, err
}
