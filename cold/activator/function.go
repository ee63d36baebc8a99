package activator

import (
	"time"
)

// Function is what a [Source] knows of one function. Its JSON form is a file of [Dir].
type Function struct {
	// Name is what the source calls it ("default/greet", "greet.json"): what logs and metrics say where App does not do.
	Name string `json:"-"`
	// App is the Dubbo application that its consumers look for.
	App string `json:"app"`
	// URL is where it is reached: "http://greet.default.svc.cluster.local", without a path. http is HTTP/2 with prior knowledge (h2c).
	URL string `json:"url"`
	// Host is the Host header, where it isn't that of URL.
	Host string `json:"host,omitempty"`
	// Token is what the function wants in the header Dubbofn-Token. Default: [Config.Token].
	Token string `json:"token,omitempty"`
	// KnativeRevision is the one that the route sends all traffic to; empty where traffic is split. A process of another revision
	// gets no early lane.
	KnativeRevision string `json:"knativeRevision,omitempty"`
	// Concurrency is the platform's limit of calls at once in one process (containerConcurrency); 0: none.
	Concurrency int `json:"concurrency,omitempty"`
	// TimeoutSeconds is when the platform cuts a request (timeoutSeconds); 0: 300, as Knative has it.
	TimeoutSeconds int `json:"timeout,omitempty"`
	// Manifest is JSON: that of fn.Manifest, and beside it the "revision" of the metadata, where it is stated. What the function prints
	// with DUBBOFN_DESCRIBE=1.
	Manifest Manifest `json:"manifest"`
	// Created decides between two functions that claim one app, neither of which is being served: the older has it; of one age, the
	// first by Name.
	Created time.Time `json:"created,omitzero"`
	// Fault is why the source could not read the function (a broken file, an annotation that is missing). Only Name counts beside it.
	// It is refused by name; what was last known of it stays.
	Fault error `json:"-"`
}

// Manifest is the JSON text of a manifest, unread.
type Manifest []byte

// UnmarshalJSON keeps the text.
func (m *Manifest) UnmarshalJSON(b []byte) error {
	*m = append((*m)[:0], b...)
	return nil
}

// MarshalJSON gives it.
func (m Manifest) MarshalJSON() ([]byte, error) {
	if len(m) == 0 {
		return []byte("null"), nil
	}
	return m, nil
}
