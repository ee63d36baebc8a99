package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Level says which parts of a registration are written. Levels are combined with |.
type Level uint8

// The levels. Writing the metadata to one registry and the instance to another is two registrations, the metadata's first.
const (
	AppMetadata    Level = 1 << iota // the MetadataInfo document, by application and revision
	Mapping                          // interface → applications, as Dubbo 3.x reads it
	LegacyMapping                    // interface → applications, as Dubbo 2.7 reads it
	AppInstance                      // the instance under the application's name
	InterfaceLevel                   // the instance under each interface, for consumers that know no applications

	AppLevel Level = AppMetadata | Mapping | LegacyMapping | AppInstance // all that application-level consumers of both lines need
)

// Has tells whether l contains all of x.
func (l Level) Has(x Level) bool { return l&x == x }

// Storage says where consumers fetch metadata from.
type Storage uint8

// The storages. "Local" means that consumers ask the provider's MetadataService; the two Dubbo lines expect different
// parameters for that in the instance, so local serves one line only.
const (
	Remote  Storage = iota // from the registry (or metadata centre); works for Dubbo 2.7 and 3.x alike
	Local3                 // from MetadataService 1.0.0 on the provider's own port, announced as Dubbo 3.x reads it
	Local27                // the same, announced as Dubbo 2.7 reads it
	LocalV2                // from MetadataService 2.0.0 on the provider's Triple port, for Dubbo 3.3 with protobuf on its class path
)

// Registration is what a provider writes down.
type Registration struct {
	Instance    Instance                   // application, host and port; Metadata holds additions of the user's, if any
	Metadata    Metadata                   // the services; its App is the instance's
	Levels      Level                      // zero means AppLevel
	Storage     Storage                    // zero means Remote
	TriplePort  int                        // where MetadataService 2.0.0 answers; for LocalV2 only
	Definitions map[string]json.RawMessage // service definitions by [Service.Key], for consoles; written beside AppMetadata; may be nil
}

// Keys of an instance's metadata (Java: ServiceInstanceMetadataUtils, 2.7.23 and 3.3.6).
const (
	keyEndpoints = "dubbo.endpoints"
	keyRevision  = "dubbo.metadata.revision"
	keyStorage   = "dubbo.metadata.storage-type"
	keyURLParams = "dubbo.metadata-service.url-params"
	keyMetaV     = "meta-v"
)

// Validate reports all faults at once.
func (r Registration) Validate() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf("registration: "+format, args...)) }
	if r.Instance.App == "" {
		fault("the instance has no application")
	}
	if r.Metadata.App != r.Instance.App {
		fault("metadata is of application %q, the instance of %q", r.Metadata.App, r.Instance.App)
	}
	if r.EffectiveLevels()&(AppInstance|InterfaceLevel) != 0 {
		if r.Instance.Host == "" || strings.ContainsAny(r.Instance.Host, " \t\r\n/") {
			fault("host %q is not an address", r.Instance.Host)
		}
		if r.Instance.Port < 1 || r.Instance.Port > 65535 {
			fault("port %d is not in 1 to 65535", r.Instance.Port)
		}
	}
	if r.Storage == LocalV2 && (r.TriplePort < 1 || r.TriplePort > 65535) {
		fault("triple port %d is not in 1 to 65535", r.TriplePort)
	}
	if r.Storage > LocalV2 {
		fault("storage %d is unknown", r.Storage)
	}
	if err := r.Metadata.Validate(); err != nil {
		errs = append(errs, err)
	}
	for k, d := range r.Definitions {
		if !json.Valid(d) {
			fault("definition of %q is not JSON", k)
		}
	}
	return errors.Join(errs...)
}

// EffectiveLevels gives Levels, AppLevel when they are zero.
func (r Registration) EffectiveLevels() Level {
	if r.Levels == 0 {
		return AppLevel
	}
	return r.Levels
}

// CanBecome tells, as an error, what an update to next changes that it can't: application, host or port.
func (r Registration) CanBecome(next Registration) error {
	if a, b := r.Instance.App, next.Instance.App; a != b {
		return fmt.Errorf("update registration of %s: the application can't become %q", a, b)
	}
	if a, b := r.Instance.Address(), next.Instance.Address(); a != b {
		return fmt.Errorf("update registration of %s: the address %s can't become %s", r.Instance.App, a, b)
	}
	return nil
}

// Endpoint is a port of an instance and what is spoken there.
type Endpoint struct {
	Port     int    `json:"port"`
	Protocol string `json:"protocol"`
}

// AppInstance gives the instance as it stands under the application's name: with endpoints, revision, and where to fetch
// metadata. No timestamp is among them: with one, Java would ramp traffic up over ten minutes.
//
// maxChars limits the keys' and values' length together, in UTF-16 units as Java counts (0: no limit; Nacos: 1024).
// Nothing can be left out, so more is an error that names the size.
func (r Registration) AppInstance(maxChars int) (Instance, error) {
	md := map[string]string{}
	maps.Copy(md, r.Instance.Metadata)
	endpoints, err := json.Marshal(r.Metadata.endpoints(r.Instance.Port))
	if err != nil {
		return Instance{}, err
	}
	md[keyEndpoints] = string(endpoints)
	md[keyRevision] = r.Metadata.Revision()
	md[keyStorage] = "remote"
	port := strconv.Itoa(r.Instance.Port)
	switch r.Storage {
	case Local3: // Java 3.3.6: MetadataServiceURLParamsMetadataCustomizer
		md[keyStorage] = "local"
		md[keyMetaV] = "1.0.0"
		md[keyURLParams] = `{"dubbo":"2.0.2","port":"` + port + `","prefer.serialization":"hessian2","protocol":"dubbo","serialization":"hessian2","side":"provider",` + r.secure() + `"version":"1.0.0"}`
	case Local27: // Java 2.7.23: the parameters are nested by protocol
		md[keyStorage] = "local"
		md[keyURLParams] = `{"dubbo":{"dubbo":"2.0.2","port":"` + port + `",` + r.secure() + `"version":"1.0.0"}}`
	case LocalV2: // Java 3.3.6: MetadataUtils.referMetadataService
		md[keyStorage] = "local"
		md[keyMetaV] = "2.0.0"
		md[keyURLParams] = `{"dubbo":"2.0.2","port":"` + strconv.Itoa(r.TriplePort) + `","protocol":"tri","side":"provider","version":"2.0.0"}`
	}
	i := r.Instance
	i.Metadata = md
	if n := chars(md); maxChars > 0 && n > maxChars {
		return Instance{}, fmt.Errorf("register %s: instance metadata has %d characters, the limit is %d", i.App, n, maxChars)
	}
	return i, nil
}

// secure tells that MetadataService, too, is spoken to over TLS where the services are.
func (r Registration) secure() string {
	for _, s := range r.Metadata.Services {
		if s.Params["ssl-enabled"] == "true" {
			return `"ssl-enabled":"true",`
		}
	}
	return ""
}

// interfaceDrop is what goes, in this order, when an interface-level instance is over the limit: descriptions first. What steers
// a consumer (timeout, retries, token, tag, group, version, those of single methods) never goes: without it a call would
// behave otherwise than declared, so the registration fails instead.
func interfaceDrop() []string {
	return []string{"release", "deprecated", "anyhost", "generic", "dynamic", "side", "dubbo", "application"}
}

// InterfaceInstance gives the instance as it stands under one of its interfaces: the provider URL's parameters as metadata
// (Java: NacosRegistry.createInstance). The list of methods is left out: no consumer needs it, and it alone can exceed the limit.
//
// maxChars is as in [Registration.AppInstance]; what goes first when it is exceeded: release, deprecated, anyhost, generic,
// dynamic, side, dubbo, application, in this order. If that is not enough the error names the size.
func (r Registration) InterfaceInstance(s Service, maxChars int) (Name, Instance, error) {
	md := map[string]string{
		"application": r.Instance.App, "dubbo": "2.0.2", "side": "provider", "dynamic": "true", "generic": "false", "deprecated": "false", "anyhost": "true",
	}
	maps.Copy(md, r.Instance.Metadata)
	maps.Copy(md, s.Params)
	delete(md, "methods")
	md["interface"], md["path"], md["protocol"], md["category"] = s.Name, s.path(), s.Protocol, "providers"
	setOrDelete(md, "version", s.Version)
	setOrDelete(md, "group", s.Group)
	name := Name{Interface: s.Name, Version: s.Version, Group: s.Group}
	if maxChars > 0 {
		for _, k := range interfaceDrop() {
			if chars(md) <= maxChars {
				break
			}
			delete(md, k)
		}
		if n := chars(md); n > maxChars {
			return name, Instance{}, fmt.Errorf("register %s: metadata of %q has %d characters after leaving out what can be, the limit is %d: fewer or shorter parameters are needed (%s)",
				r.Instance.App, name, n, maxChars, longest(md))
		}
	}
	i := r.Instance
	i.Metadata = md
	if s.Port != 0 {
		i.Port = s.Port
	}
	return name, i, nil
}

func setOrDelete(md map[string]string, key, value string) {
	if value == "" {
		delete(md, key)
		return
	}
	md[key] = value
}

// chars counts as Nacos does: the keys and values, each in UTF-16 units (ParamChecker.checkInstanceInfo, 2.3.1).
func chars(md map[string]string) int {
	n := 0
	for k, v := range md {
		n += utf16Len(k) + utf16Len(v)
	}
	return n
}

func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

// longest names the three longest entries, to say where the room goes.
func longest(md map[string]string) string {
	keys := make([]string, 0, len(md))
	for k := range md {
		keys = append(keys, k)
	}
	size := func(k string) int { return utf16Len(k) + utf16Len(md[k]) }
	sort.Slice(keys, func(i, j int) bool {
		if a, b := size(keys[i]), size(keys[j]); a != b {
			return a > b
		}
		return keys[i] < keys[j]
	})
	var b strings.Builder
	for i, k := range keys[:min(3, len(keys))] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q: %d", k, size(k))
	}
	return b.String()
}
