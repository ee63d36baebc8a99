package registry

import (
	"encoding/json"
	"net"
	"sort"
	"strconv"
)

// Instance is one address that serves an application, or, at interface level, one service of it. It is a value; Metadata is shared by copies.
type Instance struct {
	App      string            `json:"app,omitempty"` // empty at interface level when the provider does not tell
	Host     string            `json:"host"`          // IPv6 without brackets
	Port     int               `json:"port"`
	Metadata map[string]string `json:"metadata,omitempty"` // application level: the dubbo.* keys; interface level: the provider URL's parameters
}

// Address gives "host:port", IPv6 in brackets.
func (i Instance) Address() string { return net.JoinHostPort(i.Host, strconv.Itoa(i.Port)) }

// Revision gives the revision of the application's metadata that the instance shows; "" at interface level.
func (i Instance) Revision() string { return i.Metadata[keyRevision] }

// Local tells whether metadata is fetched from the instance's own MetadataService. Dubbo Java's default, when nothing is said, is local.
func (i Instance) Local() bool { return i.Metadata[keyStorage] != "remote" }

// Endpoints gives the ports and protocols that the instance tells of; its own port with protocol dubbo when it tells none or nonsense.
func (i Instance) Endpoints() []Endpoint {
	var all []Endpoint
	if err := json.Unmarshal([]byte(i.Metadata[keyEndpoints]), &all); err == nil && len(all) > 0 {
		return all
	}
	return []Endpoint{{Port: i.Port, Protocol: "dubbo"}}
}

// SortInstances orders by address, as look-ups and watches give them, so that equal states are equal slices.
func SortInstances(all []Instance) {
	sort.Slice(all, func(i, j int) bool {
		if all[i].Host != all[j].Host {
			return all[i].Host < all[j].Host
		}
		return all[i].Port < all[j].Port
	})
}
