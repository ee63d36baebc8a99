package knative

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/dubbofn/dubbofn/cold/activator"
)

// service is what counts of a Knative Service (serving.knative.dev/v1), beside its metadata.
type service struct {
	Spec struct {
		Template struct {
			Metadata struct {
				Labels map[string]string `json:"labels"`
			} `json:"metadata"`
			Spec spec `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
	Status status `json:"status"`
}

type status struct {
	URL     string `json:"url"`
	Address struct {
		URL string `json:"url"` // inside the cluster
	} `json:"address"`
	Traffic    []target    `json:"traffic"`
	Conditions []condition `json:"conditions"`
}

// target is a part of a route's traffic. One revision may have several: a tag has its own.
type target struct {
	RevisionName string `json:"revisionName"`
	Percent      *int64 `json:"percent"`
}

type condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"` // "True", "False", "Unknown": not yet
	Message string `json:"message"`
}

// revision is what counts of a Knative revision, beside its metadata.
type revision struct {
	Spec spec `json:"spec"`
}

// spec is of a revision, and of the template that the next one is made from.
type spec struct {
	ContainerConcurrency *int64      `json:"containerConcurrency"`
	TimeoutSeconds       *int64      `json:"timeoutSeconds"`
	Containers           []container `json:"containers"`
}

type container struct {
	Env []variable `json:"env"`
}

type variable struct {
	Name      string         `json:"name"`
	Value     string         `json:"value"`
	ValueFrom map[string]any `json:"valueFrom"`
}

var errNotYet = errors.New("nothing serves it yet")

// functions reads the objects of one moment into what they mean, sorted by name. last is what the moment before meant: what can't be
// told at present stays as it was.
func functions(services, revisions []*unstructured.Unstructured, last []activator.Function) []activator.Function {
	known := map[string]*unstructured.Unstructured{}
	for _, r := range revisions {
		known[key(r)] = r
	}
	var all []activator.Function
	for _, s := range services {
		f, err := read(s, known)
		switch {
		case errors.Is(err, errNotYet):
			i := slices.IndexFunc(last, func(l activator.Function) bool { return l.Name == key(s) })
			if i < 0 {
				continue
			}
			f = last[i]
		case err != nil:
			f = activator.Function{Name: key(s), Fault: fmt.Errorf("knative service %q: %w", key(s), err)}
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b activator.Function) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// same tells whether nothing has changed that the activator would act on.
func same(a, b activator.Function) bool {
	return a.Name == b.Name && a.App == b.App && a.URL == b.URL && a.Host == b.Host && a.Token == b.Token &&
		a.KnativeRevision == b.KnativeRevision && a.Concurrency == b.Concurrency && a.TimeoutSeconds == b.TimeoutSeconds &&
		bytes.Equal(a.Manifest, b.Manifest) && a.Created.Equal(b.Created) && text(a.Fault) == text(b.Fault)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func key(u *unstructured.Unstructured) string { return u.GetNamespace() + "/" + u.GetName() }

// read takes everything that a roll-out changes from the revision that gets most of the traffic: consumers are told of a new one when
// calls go there.
func read(u *unstructured.Unstructured, revisions map[string]*unstructured.Unstructured) (activator.Function, error) {
	var s service
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &s); err != nil {
		return activator.Function{}, err
	}
	f := activator.Function{Name: key(u), URL: cmp.Or(s.Status.Address.URL, s.Status.URL), Created: u.GetCreationTimestamp().Time}
	most, all := s.Status.most()
	if most == "" || f.URL == "" {
		return f, s.Status.reason()
	}
	if all {
		f.KnativeRevision = most
	}
	from, manifest := s.Spec.Template.Spec, u.GetAnnotations()[ManifestAnnotation]
	if r, ok := revisions[u.GetNamespace()+"/"+most]; ok {
		var v revision
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(r.Object, &v); err != nil {
			return f, fmt.Errorf("its revision %q: %w", most, err)
		}
		from, manifest = v.Spec, cmp.Or(r.GetAnnotations()[ManifestAnnotation], manifest)
	} else if s.Spec.Template.Metadata.Labels[Label] == "true" {
		return f, errNotYet // of the two watches, that of revisions is behind
	}
	if manifest == "" {
		return f, fmt.Errorf("revision %q has no annotation %s, which says what the function offers: \"dubbofn render function\" writes it", most, ManifestAnnotation)
	}
	f.Manifest = activator.Manifest(manifest)
	f.Concurrency, f.TimeoutSeconds = number(from.ContainerConcurrency), number(from.TimeoutSeconds)
	var err error
	f.App, err = from.app(u.GetName())
	return f, err
}

// most tells which revision gets most of the traffic, and whether it gets all; of equal ones, the one whose name is greater, since
// Knative numbers them and every replica must say the same. Empty: none gets any.
func (s status) most() (name string, all bool) {
	shares := map[string]int64{}
	for _, t := range s.Traffic {
		if t.Percent != nil && t.RevisionName != "" {
			shares[t.RevisionName] += *t.Percent
		}
	}
	for n, share := range shares {
		if share > 0 && (share > shares[name] || share == shares[name] && n > name) {
			name = n
		}
	}
	return name, shares[name] == 100
}

// reason says why nothing serves the function: Knative's own words where it has given up.
func (s status) reason() error {
	for _, c := range s.Conditions {
		if c.Type == "Ready" && c.Status == "False" {
			return fmt.Errorf("no revision is ready: %s", c.Message)
		}
	}
	return errNotYet
}

// app is the Dubbo application's name: DUBBOFN_APP, else that of the Knative Service, as the function itself decides it.
func (s spec) app(service string) (string, error) {
	for _, c := range s.Containers {
		for _, v := range c.Env {
			switch {
			case v.Name != "DUBBOFN_APP":
			case len(v.ValueFrom) > 0:
				return "", errors.New("DUBBOFN_APP is taken from elsewhere (valueFrom), which can't be read here: give it a value")
			case v.Value != "":
				return v.Value, nil
			}
		}
	}
	return service, nil
}

func number(n *int64) int {
	if n == nil || *n < 0 {
		return 0
	}
	return int(*n)
}
