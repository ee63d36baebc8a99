package zookeeper

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"sort"
	"strconv"
	"strings"

	"github.com/dubbofn/dubbofn/registry"
)

// Where Dubbo keeps what.
func (s settings) instancePath(i registry.Instance) string { // Java: CuratorFrameworkUtils and Curator's ServiceDiscoveryImpl, 3.3.6
	return s.services + "/" + i.App + "/" + i.Address()
}
func (s settings) appPath(app string) string { return s.services + "/" + app }
func (s settings) metadataPath(app, revision string) string { // Java: ZookeeperMetadataReport, 3.3.6
	return s.root + "/metadata/" + app + "/" + revision
}
func (s settings) mappingPath(iface string) string { return s.root + "/mapping/" + iface }

// legacyPath is the mapping of Dubbo 2.7: one child for each application (Java: DynamicConfigurationServiceNameMapping, 2.7.23).
func (s settings) legacyPath(iface string) string { return s.root + "/config/mapping/" + iface }
func (s settings) providersPath(iface string) string {
	return s.root + "/" + iface + "/providers"
}
func (s settings) rulePath(group, key string) string {
	return s.root + "/config/" + group + "/" + key
}

func (s settings) definitionPath(svc registry.Service, app string) string {
	return path.Join(s.root, "metadata", svc.Name, svc.Version, svc.Group, "provider", app)
}

// curatorInstance is what Curator's JSON serializer writes of an instance, with Dubbo's payload.
type curatorInstance struct {
	Name                string          `json:"name"`
	ID                  string          `json:"id"`
	Address             string          `json:"address"`
	Port                *int            `json:"port"`
	SSLPort             *int            `json:"sslPort"`
	Payload             *curatorPayload `json:"payload"`
	RegistrationTimeUTC int64           `json:"registrationTimeUTC"`
	ServiceType         string          `json:"serviceType"`
	URISpec             *struct{}       `json:"uriSpec"`
}

type curatorPayload struct {
	Class    string            `json:"@class"`
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Metadata map[string]string `json:"metadata"`
}

const payloadClass = "org.apache.dubbo.registry.zookeeper.ZookeeperInstance"

// payload writes an instance.
func payload(i registry.Instance, registered int64) ([]byte, error) {
	return json.Marshal(curatorInstance{
		Name: i.App, ID: i.Address(), Address: i.Host, Port: &i.Port, RegistrationTimeUTC: registered, ServiceType: "DYNAMIC",
		Payload: &curatorPayload{Class: payloadClass, ID: i.Address(), Name: i.App, Metadata: i.Metadata},
	})
}

// parsePayload reads an instance of an application.
func parsePayload(app string, b []byte) (registry.Instance, error) {
	var c curatorInstance
	if err := json.Unmarshal(b, &c); err != nil {
		return registry.Instance{}, fmt.Errorf("instance of %s: %w", app, err)
	}
	switch {
	case c.Address == "":
		return registry.Instance{}, fmt.Errorf("instance of %s: no address", app)
	case c.Port == nil || *c.Port < 0 || *c.Port > 65535:
		return registry.Instance{}, fmt.Errorf("instance of %s at %s: no port from 0 to 65535", app, c.Address)
	}
	i := registry.Instance{App: app, Host: c.Address, Port: *c.Port}
	if c.Payload != nil {
		i.Metadata = c.Payload.Metadata
	}
	return i, nil
}

// providerNode is the name of a provider's node at interface level: its URL, encoded (Java: ZookeeperRegistry.toUrlPath, 3.3.6).
func providerNode(i registry.Instance) string {
	keys := make([]string, 0, len(i.Metadata))
	for k := range i.Metadata {
		switch k {
		case "path", "protocol":
		default:
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	var b strings.Builder
	b.WriteString(i.Metadata["protocol"] + "://" + i.Address() + "/" + i.Metadata["path"])
	for n, k := range keys {
		b.WriteByte("?&"[min(n, 1)])
		b.WriteString(k + "=" + i.Metadata[k])
	}
	return url.QueryEscape(b.String())
}

// parseProvider reads the name of a provider's node. Parameters become metadata, with path, protocol and category among them.
func parseProvider(node string) (registry.Instance, error) {
	text, err := url.QueryUnescape(node)
	if err != nil {
		return registry.Instance{}, fmt.Errorf("provider %q: %w", cut(node), err)
	}
	protocol, rest, ok := strings.Cut(text, "://")
	if !ok || protocol == "" {
		return registry.Instance{}, fmt.Errorf("provider %q: no protocol", cut(text))
	}
	rest, query, _ := strings.Cut(rest, "?")
	address, path, _ := strings.Cut(rest, "/")
	if _, after, ok := strings.Cut(address, "@"); ok {
		address = after
	}
	host, portText, err := net.SplitHostPort(address)
	port, portErr := strconv.ParseUint(portText, 10, 16)
	if err = errors.Join(err, portErr); err != nil || host == "" {
		return registry.Instance{}, fmt.Errorf("provider %q: no host:port", cut(text))
	}
	i := registry.Instance{Host: host, Port: int(port), Metadata: map[string]string{"category": "providers"}}
	for pair := range strings.SplitSeq(query, "&") {
		if k, v, ok := strings.Cut(pair, "="); ok && k != "" {
			i.Metadata[k] = v
		}
	}
	i.Metadata["protocol"], i.Metadata["path"] = protocol, path
	i.App = i.Metadata["application"]
	return i, nil
}

// cut makes a text fit for an error.
func cut(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}

// splitApps reads a mapping's list.
func splitApps(list string) []string {
	var apps []string
	for a := range strings.SplitSeq(list, ",") {
		if a = strings.TrimSpace(a); a != "" {
			apps = append(apps, a)
		}
	}
	return apps
}
