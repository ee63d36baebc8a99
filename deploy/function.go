package deploy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Function is a function on Knative. Name, Image and Manifest are needed; the other zero fields mean the defaults.
type Function struct {
	Name      string // of the Knative Service
	Namespace string // default: "default"
	Image     string // with a tag other than "latest", or a digest
	// Manifest is what the program prints with DUBBOFN_DESCRIBE=1: JSON, with the "app" that consumers will look for.
	Manifest []byte
	// Activator is where the function dials when it wakes, HOST:PORT. Default: that of [Activator]'s manifests. "none": calls come by
	// HTTP only.
	Activator string
	// Keeper is where the function's node's keeper is. Default: "none".
	Keeper string
	// TokenSecret is the Secret, of the same namespace, whose key "token" the function wants to be shown. Default: "dubbofn-token".
	TokenSecret string
	// Concurrency is how many calls a pod gets at once (containerConcurrency); 0: as many as the function takes.
	Concurrency int
	// Target is how many calls at once a pod should have, for Knative to decide how many pods there are; 0: Concurrency, else
	// Knative's default of 100.
	Target int
	// MinScale and MaxScale bound the pods; 0: to zero, and without a bound.
	MinScale, MaxScale int
	// Timeout is how long a call may take with the wake before it, at most 24 h, in whole seconds. Default: 30 s more than the longest timeout
	// of the manifest, at least 300 s, which is also Knative's default.
	Timeout time.Duration
	// CPU and Memory are what a pod asks for, MemoryLimit what it may take, as Kubernetes writes them. Default: "100m", "32Mi", "256Mi".
	CPU, Memory, MemoryLimit string
	// Environment holds more variables.
	Environment map[string]string
}

// Where functions find the activator and the keeper as the manifests of this package deploy them. The dot at the end makes a name
// complete.
const (
	activatorAddress = "dubbofn-activator-lane.%s.svc.cluster.local.:20881"
	keeperAddress    = "dubbofn-keeper.%s.svc.cluster.local.:20882"
)

const (
	wakeTime        = 30 * time.Second
	knativeTimeout  = 300 * time.Second // revision-timeout-seconds of config-defaults
	knativeCeiling  = 600 * time.Second // max-revision-timeout-seconds
	maxTimeout      = 24 * time.Hour
	maxManifestSize = 200 << 10 // of 256 KiB that Kubernetes allows all annotations of an object
)

// manifest is what deploying needs of a function's own description.
type manifest struct {
	App      string `json:"app"`
	Services []struct {
		Methods []struct {
			Timeout int64 `json:"timeout"` // ms
		} `json:"methods"`
	} `json:"services"`
}

// YAML gives the Knative Service. Its error tells every fault.
func (f Function) YAML() ([]byte, error) {
	var c checks
	if err := CheckName(f.Name); err != nil {
		c.faults = append(c.faults, err)
	}
	namespace := cmp.Or(f.Namespace, "default")
	c.label("Namespace", namespace)
	c.image(f.Image)
	m, text := c.manifest(f.Manifest)
	longest := m.longest()
	timeout := cmp.Or(f.Timeout, max(knativeTimeout, (longest+wakeTime+time.Second-1).Truncate(time.Second)))
	if timeout < longest || timeout > maxTimeout || timeout%time.Second != 0 {
		c.fault("Timeout is %v: want whole seconds from the longest timeout of the manifest, %v, to %v", timeout, longest, maxTimeout)
	}
	for name, n := range map[string]int{"Concurrency": f.Concurrency, "Target": f.Target, "MinScale": f.MinScale, "MaxScale": f.MaxScale} {
		c.count(name, n)
	}
	if f.Concurrency > 1000 { // container-concurrency-max-limit of config-defaults
		c.fault("Concurrency is %d: Knative allows up to 1000", f.Concurrency)
	}
	if f.MaxScale > 0 && f.MinScale > f.MaxScale {
		c.fault("MinScale %d is above MaxScale %d", f.MinScale, f.MaxScale)
	}
	v := struct {
		Function
		ManifestText, App, Hold string
		TimeoutSeconds          int
		OverCeiling             bool
		Variables               []variable
	}{Function: f, ManifestText: text, App: m.App, TimeoutSeconds: int(timeout / time.Second), OverCeiling: timeout > knativeCeiling}
	v.Namespace = namespace
	v.Activator = address(&c, "Activator", f.Activator, fmt.Sprintf(activatorAddress, systemNamespace))
	v.Keeper = address(&c, "Keeper", cmp.Or(f.Keeper, none), "")
	v.TokenSecret = cmp.Or(f.TokenSecret, tokenSecret)
	c.name("TokenSecret", v.TokenSecret)
	if timeout < knativeTimeout { // below it, the function's own default would be cut
		v.Hold = max(timeout*4/5, time.Second).String() // the least that a function takes
	}
	v.CPU, v.Memory, v.MemoryLimit = cmp.Or(f.CPU, "100m"), cmp.Or(f.Memory, "32Mi"), cmp.Or(f.MemoryLimit, "256Mi")
	c.quantities(v.CPU, v.Memory, v.MemoryLimit)
	own := []string{"DUBBOFN_APP", "DUBBOFN_TOKEN", "DUBBOFN_ACTIVATOR", "DUBBOFN_KEEPER", "PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"}
	if f.Concurrency > 0 {
		own = append(own, "DUBBOFN_MAX_CALLS") // Concurrency says it
	}
	v.Variables = c.variables(f.Environment, own...)
	return c.render("function", v)
}

func (m manifest) longest() time.Duration {
	var longest int64
	for _, s := range m.Services {
		for _, x := range s.Methods {
			longest = max(longest, x.Timeout)
		}
	}
	return time.Duration(min(longest, int64(maxTimeout/time.Millisecond)+1)) * time.Millisecond
}

// manifest gives the manifest and its text without white space.
func (c *checks) manifest(text []byte) (m manifest, compact string) {
	var b bytes.Buffer
	err := json.Unmarshal(text, &m)
	if err == nil {
		err = json.Compact(&b, text)
	}
	switch {
	case err != nil:
		c.fault("Manifest is no JSON of a manifest: %w; DUBBOFN_DESCRIBE=1 makes a function print its own", err)
	case m.App == "" || len(m.Services) == 0:
		c.fault("Manifest has no app or no services: want what the function prints with DUBBOFN_DESCRIBE=1")
	case b.Len() > maxManifestSize:
		c.fault("Manifest has %d bytes: an annotation can hold %d", b.Len(), maxManifestSize)
	}
	return m, b.String()
}

// variable is one of a container's environment.
type variable struct{ Name, Value string }

// variables sorts them by name; those of taken are the manifest's own.
func (c *checks) variables(of map[string]string, taken ...string) []variable {
	var all []variable
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if !variableName.MatchString(name) {
			c.fault("Environment has %q: want letters, digits and _", name)
		}
		if slices.Contains(taken, name) {
			c.fault("Environment has %s, which has another place", name)
		}
		all = append(all, variable{name, of[name]})
	}
	return all
}
