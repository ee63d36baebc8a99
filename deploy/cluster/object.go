package cluster

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/dubbofn/dubbofn/cold/activator/knative"
)

// kind is a kind of objects that are dealt with here.
type kind struct {
	name string // as it is told
	at   schema.GroupVersionResource
}

func knativeService() kind {
	return kind{"Knative Service", schema.GroupVersionResource{Group: "serving.knative.dev", Version: "v1", Resource: "services"}}
}

func knativeConfiguration() kind {
	return kind{"Knative Configuration", schema.GroupVersionResource{Group: "serving.knative.dev", Version: "v1", Resource: "configurations"}}
}

func knativeRevision() kind {
	return kind{"Knative revision", schema.GroupVersionResource{Group: "serving.knative.dev", Version: "v1", Resource: "revisions"}}
}

func trigger() kind {
	return kind{"Trigger", schema.GroupVersionResource{Group: "eventing.knative.dev", Version: "v1", Resource: "triggers"}}
}

func pods() kind {
	return kind{"pod", schema.GroupVersionResource{Version: "v1", Resource: "pods"}}
}

func events() kind {
	return kind{"event", schema.GroupVersionResource{Version: "v1", Resource: "events"}}
}

func deployments() kind {
	return kind{"Deployment", schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}}
}

// kindOf finds the kind of what package deploy renders.
func kindOf(u *unstructured.Unstructured) (kind, error) {
	for at, k := range map[string]kind{"serving.knative.dev/v1/Service": knativeService(), "eventing.knative.dev/v1/Trigger": trigger()} {
		if u.GetAPIVersion()+"/"+u.GetKind() == at {
			return k, nil
		}
	}
	return kind{}, fmt.Errorf("%s of %s: no such thing is applied here", u.GetKind(), u.GetAPIVersion())
}

// parse reads documents of YAML.
func parse(text []byte) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	for r := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text))); ; {
		doc, err := r.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		j, err := yaml.ToJSON(doc)
		if err != nil {
			return nil, err
		}
		if string(j) == "null" {
			continue
		}
		u := new(unstructured.Unstructured)
		if err := u.UnmarshalJSON(j); err != nil {
			return nil, err
		}
		all = append(all, u)
	}
}

// service is what counts of a Knative Service, beside its metadata.
type service struct {
	Spec struct {
		Template struct {
			Metadata struct {
				Annotations map[string]string `json:"annotations"`
			} `json:"metadata"`
			Spec struct {
				Containers []struct {
					Image string `json:"image"`
				} `json:"containers"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
	Status struct {
		Observed int64 `json:"observedGeneration"`
		conditions
		URL     string `json:"url"`
		Address struct {
			URL string `json:"url"`
		} `json:"address"`
		Created string `json:"latestCreatedRevisionName"`
		Ready   string `json:"latestReadyRevisionName"`
		Traffic []struct {
			Revision string `json:"revisionName"`
			Percent  int64  `json:"percent"`
			Tag      string `json:"tag"`
		} `json:"traffic"`
	} `json:"status"`
}

func (s *service) manifest(u *unstructured.Unstructured) string {
	if m := s.Spec.Template.Metadata.Annotations[knative.ManifestAnnotation]; m != "" {
		return m
	}
	return u.GetAnnotations()[knative.ManifestAnnotation]
}

func (s *service) image() string {
	if len(s.Spec.Template.Spec.Containers) == 0 {
		return ""
	}
	return s.Spec.Template.Spec.Containers[0].Image
}

// Condition is one of an object's status: Knative's own words on how far it is.
type Condition struct {
	Object  string `json:"object,omitempty"` // "Knative revision greet-00002"
	Type    string `json:"type"`
	Status  string `json:"status"` // "True", "False", "Unknown": not yet
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
}

// String gives a line.
func (c Condition) String() string {
	s := c.Type + " is " + c.Status
	if c.Object != "" {
		s = c.Object + ": " + s
	}
	if c.Reason != "" {
		s += " (" + c.Reason + ")"
	}
	if c.Message != "" {
		s += ": " + c.Message
	}
	return s
}

type conditions struct {
	Conditions []Condition `json:"conditions"`
}

func (c conditions) of(kind string) Condition {
	if i := slices.IndexFunc(c.Conditions, func(x Condition) bool { return x.Type == kind }); i >= 0 {
		return c.Conditions[i]
	}
	return Condition{Type: kind, Status: "Unknown"}
}

// pod is what counts of one.
type pod struct {
	name    string
	created time.Time
	ending  bool
	labels  map[string]string
	podStatus
}

type podStatus struct {
	Status struct {
		Phase string `json:"phase"`
		conditions
		Containers []containerStatus `json:"containerStatuses"`
	} `json:"status"`
}

type containerStatus struct {
	Name     string         `json:"name"`
	Ready    bool           `json:"ready"`
	Image    string         `json:"image"`
	Restarts int            `json:"restartCount"`
	State    containerState `json:"state"`
	Last     containerState `json:"lastState"`
}

type containerState struct {
	Waiting *struct {
		Reason  string `json:"reason"`
		Message string `json:"message"`
	} `json:"waiting"`
	Running *struct {
		Since string `json:"startedAt"`
	} `json:"running"`
	Terminated *struct {
		Exit    int    `json:"exitCode"`
		Reason  string `json:"reason"`
		Message string `json:"message"`
	} `json:"terminated"`
}

// function gives the function's own container; beside it is Knative's queue-proxy.
func (p *pod) function() (containerStatus, bool) {
	for _, s := range p.Status.Containers {
		if s.Name != "queue-proxy" {
			return s, true
		}
	}
	return containerStatus{}, false
}

func decode(u *unstructured.Unstructured, into any) error {
	b, err := u.MarshalJSON()
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

// read gets one object.
func (c *Cluster) read(ctx context.Context, k kind, namespace, name string, into any) (*unstructured.Unstructured, error) {
	u, err := c.objects.Resource(k.at).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return u, decode(u, into)
}

const pageSize = 500

// list gets all objects of a kind, of all namespaces for "", page by page.
func (c *Cluster) list(ctx context.Context, k kind, namespace string, o metav1.ListOptions) ([]unstructured.Unstructured, error) {
	var all []unstructured.Unstructured
	for o.Limit = pageSize; ; {
		page, err := c.objects.Resource(k.at).Namespace(namespace).List(ctx, o)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if o.Continue = page.GetContinue(); o.Continue == "" {
			return all, nil
		}
	}
}

// podsOf lists pods by a label, the oldest first.
func (c *Cluster) podsOf(ctx context.Context, namespace, label, value string) ([]pod, error) {
	found, err := c.list(ctx, pods(), namespace, metav1.ListOptions{LabelSelector: label + "=" + value})
	if err != nil {
		return nil, err
	}
	var all []pod
	for i := range found {
		p := pod{name: found[i].GetName(), created: found[i].GetCreationTimestamp().Time, ending: found[i].GetDeletionTimestamp() != nil, labels: found[i].GetLabels()}
		if err := decode(&found[i], &p.podStatus); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	slices.SortStableFunc(all, func(a, b pod) int { return a.created.Compare(b.created) })
	return all, nil
}

const (
	serviceLabel  = "serving.knative.dev/service"
	revisionLabel = "serving.knative.dev/revision"
	madeForLabel  = "dubbofn.dev/made-for" // of Triggers: the function that they were made for
)
