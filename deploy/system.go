package deploy

import (
	"cmp"
	"net"
	"slices"
	"strings"
)

// Activator is the always-on front of all functions. Image and a registry are needed; the other zero fields mean the defaults.
type Activator struct {
	Namespace string // default: "dubbofn"
	Image     string // of the command dubbofn
	// Registry is where consumers look: a URL, as DUBBOFN_REGISTRY has it. RegistrySecret instead: a Secret whose key "url" holds it, which
	// keeps a password out of the manifest.
	Registry, RegistrySecret string
	// Replicas is how many share the consumers. Default: 2, so that one may go.
	Replicas int
	// Namespaces are those whose functions it serves, each with a Role of its own. Default: all, with a ClusterRole.
	Namespaces []string
	// Host is the address that consumers are told, where a load balancer stands before a single replica. Default: each pod's own.
	Host string
	// TokenSecret is the Secret whose key "token" it shows functions. Default: "dubbofn-token".
	TokenSecret string
	// CPU and Memory are what a pod asks for, MemoryLimit what it may take. Default: "250m", "64Mi", "1Gi".
	CPU, Memory, MemoryLimit string
	// Environment holds more variables.
	Environment map[string]string
}

// Keeper is what keeps connections on every node. Image and a registry are needed; the other zero fields mean the defaults.
type Keeper struct {
	Namespace                string // default: "dubbofn"
	Image                    string // of the command dubbofn
	Registry, RegistrySecret string // as of [Activator]
	// TokenSecret is the Secret whose key "token" functions show. Default: "dubbofn-token".
	TokenSecret string
	// Targets are what functions may have connections to, HOST:PORT each, as DUBBOFN_KEEPER_TARGETS has it. Default: nothing.
	Targets []string
	// CPU and Memory are what a pod asks for, MemoryLimit what it may take. Default: "50m", "32Mi", "256Mi".
	CPU, Memory, MemoryLimit string
	// Environment holds more variables.
	Environment map[string]string
}

const (
	systemNamespace = "dubbofn"
	tokenSecret     = "dubbofn-token"
	keeperPort      = 20882
	none            = "none"
)

// YAML gives the Deployment, its Services, its account and what the account may read. Its error tells every fault.
func (a Activator) YAML() ([]byte, error) {
	var c checks
	v := struct {
		Activator
		Functions string
		Variables []variable
	}{Activator: a, Functions: "knative"}
	v.Namespace = c.system(a.Namespace, a.Image, a.Registry, a.RegistrySecret)
	v.Replicas = cmp.Or(a.Replicas, 2)
	c.count("Replicas", v.Replicas)
	v.Namespaces = slices.Compact(slices.Sorted(slices.Values(a.Namespaces)))
	for i, n := range v.Namespaces {
		c.label("Namespaces", n)
		if i > 0 {
			v.Functions += ","
		} else {
			v.Functions += ":"
		}
		v.Functions += n
	}
	if a.Host != "" && v.Replicas > 1 {
		c.fault("Host %q is one address for %d replicas, which would overwrite each other in the registry: want Replicas 1, or no Host", a.Host, v.Replicas)
	}
	v.TokenSecret = cmp.Or(a.TokenSecret, tokenSecret)
	c.name("TokenSecret", v.TokenSecret)
	v.CPU, v.Memory, v.MemoryLimit = cmp.Or(a.CPU, "250m"), cmp.Or(a.Memory, "64Mi"), cmp.Or(a.MemoryLimit, "1Gi")
	c.quantities(v.CPU, v.Memory, v.MemoryLimit)
	v.Variables = c.variables(a.Environment, "DUBBOFN_REGISTRY", "DUBBOFN_HOST", "DUBBOFN_TOKEN", "DUBBOFN_FUNCTIONS")
	return c.render("activator", v)
}

// YAML gives the DaemonSet, its Service and its account. Its error tells every fault.
func (k Keeper) YAML() ([]byte, error) {
	var c checks
	v := struct {
		Keeper
		Port        int
		TargetsText string
		Variables   []variable
	}{Keeper: k, Port: keeperPort, TargetsText: strings.Join(k.Targets, ",")}
	v.Namespace = c.system(k.Namespace, k.Image, k.Registry, k.RegistrySecret)
	v.TokenSecret = cmp.Or(k.TokenSecret, tokenSecret)
	c.name("TokenSecret", v.TokenSecret)
	v.CPU, v.Memory, v.MemoryLimit = cmp.Or(k.CPU, "50m"), cmp.Or(k.Memory, "32Mi"), cmp.Or(k.MemoryLimit, "256Mi")
	c.quantities(v.CPU, v.Memory, v.MemoryLimit)
	v.Variables = c.variables(k.Environment, "DUBBOFN_REGISTRY", "DUBBOFN_TOKEN", "DUBBOFN_KEEPER_TARGETS")
	return c.render("keeper", v)
}

// system checks what the activator and the keeper have in common, and gives the namespace.
func (c *checks) system(namespace, image, registry, secret string) string {
	namespace = cmp.Or(namespace, systemNamespace)
	c.label("Namespace", namespace)
	c.image(image)
	switch {
	case registry == "" && secret == "":
		c.fault("Registry is empty: want the URL of a registry, as nacos://nacos.example.org:8848, or RegistrySecret")
	case registry != "" && secret != "":
		c.fault("Registry and RegistrySecret are both set: want one of them")
	case secret != "":
		c.name("RegistrySecret", secret)
	case !strings.Contains(registry, "://"):
		c.fault("Registry is no URL: want one as nacos://nacos.example.org:8848") // it may hold a password
	}
	return namespace
}

// address gives HOST:PORT, byDefault where it is empty, and nothing for "none".
func address(c *checks, field, value, byDefault string) string {
	switch value {
	case "":
		return byDefault
	case none:
		return ""
	}
	if host, port, err := net.SplitHostPort(strings.TrimPrefix(value, "tls://")); err != nil || host == "" || port == "" {
		c.fault("%s is %q: want HOST:PORT, or %q", field, value, none)
	}
	return value
}
