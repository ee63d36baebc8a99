package cluster

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/dubbofn/dubbofn/deploy"
)

// Release is a function as it is deployed, with what brings it events. Where its parts name no namespace, they go to that of the function.
type Release struct {
	Function deploy.Function
	Triggers []deploy.Trigger
}

// YAML gives what would be applied. Its error tells every fault. No cluster is asked.
func (r Release) YAML() ([]byte, error) {
	text, err := r.Function.YAML()
	if err != nil {
		return nil, err
	}
	all := bytes.Clone(text)
	for _, t := range r.Triggers {
		t.Function, t.Namespace, t.Plain = r.Function.Name, r.namespace(), false
		if text, err = t.YAML(); err != nil {
			return nil, err
		}
		all = append(all, text...)
	}
	return all, nil
}

func (r Release) namespace() string { return cmp.Or(r.Function.Namespace, "default") }

func (r Release) objects() ([]*unstructured.Unstructured, error) {
	text, err := r.YAML()
	if err != nil {
		return nil, err
	}
	all, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("read what was rendered: %w", err)
	}
	return all, nil
}

// offer is what a manifest says that consumers look for.
type offer struct {
	Revision string `json:"revision"`
	App      string `json:"app"`
	Services []struct {
		Interface string `json:"interface"`
		Group     string `json:"group"`
		Version   string `json:"version"`
	} `json:"services"`
}

// readOffer reads a manifest as far as it can be read: one that somebody else has spoilt offers nothing.
func readOffer(manifest string) (o offer) {
	if json.Unmarshal([]byte(manifest), &o) != nil {
		return offer{}
	}
	return o
}

// keys gives its services as "[group/]interface[:version]".
func (o offer) keys() []string {
	all := []string{}
	for _, s := range o.Services {
		key := s.Interface
		if s.Group != "" {
			key = s.Group + "/" + key
		}
		if s.Version != "" && s.Version != "0.0.0" {
			key += ":" + s.Version
		}
		all = append(all, key)
	}
	return all
}
