package registry

import (
	"crypto/md5" // Dubbo's choice for revisions; nothing rests on it being hard to forge
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Metadata tells which services an application offers (Java: MetadataInfo, 2.7.23 and 3.3.6). It is a value; Services is shared by copies.
type Metadata struct {
	App      string
	Services []Service // in any order; keys must differ
	Digest   string    // enters the revision: a hash of what else the application promises (methods, types); empty where nothing is known
}

// Service is one service of an application (Java: MetadataInfo.ServiceInfo).
type Service struct {
	Name     string            `json:"name"`              // the Java interface
	Group    string            `json:"group,omitempty"`   // "" or "blue"
	Version  string            `json:"version,omitempty"` // "" or "1.0.0"
	Protocol string            `json:"protocol"`          // "dubbo"
	Port     int               `json:"port"`              // leave 0: consumers then take the instance's endpoint, and nothing of an address is in the revision
	Path     string            `json:"path"`              // empty means Name
	Params   map[string]string `json:"params"`            // what consumers are to know: timeout, retries, token, "dubbo.tag", "greet.timeout"
}

// Key gives "[group/]interface[:version]:protocol" (Java: MetadataInfo.ServiceInfo.getMatchKey).
func (s Service) Key() string {
	var b strings.Builder
	if s.Group != "" {
		b.WriteString(s.Group)
		b.WriteByte('/')
	}
	b.WriteString(s.Name)
	if s.Version != "" && s.Version != "0.0.0" {
		b.WriteByte(':')
		b.WriteString(s.Version)
	}
	b.WriteByte(':')
	b.WriteString(s.Protocol)
	return b.String()
}

func (s Service) path() string {
	if s.Path == "" {
		return s.Name
	}
	return s.Path
}

// digestParam carries [Metadata.Digest] in every service's parameters: the revision is a hash of what is published, so what
// enters the one must be in the other.
const digestParam = "dubbofn.digest"

// Published gives the services as they stand in the metadata document, sorted by their keys: no path is empty, and the digest is
// among the parameters.
func (m Metadata) Published() []Service {
	all := m.sorted()
	for i := range all {
		params := make(map[string]string, len(all[i].Params)+1)
		maps.Copy(params, all[i].Params)
		if m.Digest != "" {
			params[digestParam] = m.Digest
		}
		all[i].Path, all[i].Params = all[i].path(), params
	}
	return all
}

// Revision is a hash of the content: application, and services with their keys, paths, ports and parameters, the digest among them.
// The same content has the same revision on any machine at any time.
//
// It is the one that Java computes from the document (MetadataInfo.calRevision, 3.3.6). A Java consumer keeps only metadata whose
// revision is that (MetaCacheManager.validate, 3.3.6); under any other it would fetch the document again at every change of instances.
func (m Metadata) Revision() string {
	h := md5.New()
	put := func(s string) { io.WriteString(h, s) } //nolint:errcheck // a hash takes everything
	put(m.App)
	for _, s := range m.Published() {
		put(s.Key() + strconv.Itoa(s.Port) + s.Path + "{")
		for i, k := range slices.Sorted(maps.Keys(s.Params)) { // as java.util.TreeMap.toString writes it
			if i > 0 {
				put(", ")
			}
			put(k + "=" + s.Params[k])
		}
		put("}")
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Validate reports all faults at once.
func (m Metadata) Validate() error {
	var errs []error
	if m.App == "" {
		errs = append(errs, errors.New("metadata: no application"))
	}
	if strings.Contains(m.App, ",") {
		errs = append(errs, fmt.Errorf("metadata: application %q holds a comma, which separates applications in a mapping", m.App))
	}
	seen := map[string]bool{}
	for _, s := range m.Services {
		if s.Name == "" || strings.ContainsAny(s.Name, "/: \t\r\n,") {
			errs = append(errs, fmt.Errorf("metadata of %s: %q is not a Java interface", m.App, s.Name))
		}
		if strings.ContainsAny(s.Group, "/:, \t\r\n") || strings.ContainsAny(s.Version, "/:, \t\r\n") {
			errs = append(errs, fmt.Errorf("metadata of %s: service %q: group %q and version %q can't hold slashes, colons, commas or blanks", m.App, s.Name, s.Group, s.Version))
		}
		if s.Protocol == "" {
			errs = append(errs, fmt.Errorf("metadata of %s: service %q has no protocol", m.App, s.Name))
		}
		if seen[s.Key()] {
			errs = append(errs, fmt.Errorf("metadata of %s: service %q is there twice", m.App, s.Key()))
		}
		seen[s.Key()] = true
	}
	return errors.Join(errs...)
}

// Interfaces gives the Java interfaces, each once, sorted.
func (m Metadata) Interfaces() []string {
	var all []string
	seen := map[string]bool{}
	for _, s := range m.Services {
		if !seen[s.Name] {
			seen[s.Name] = true
			all = append(all, s.Name)
		}
	}
	sort.Strings(all)
	return all
}

func (m Metadata) sorted() []Service {
	all := append([]Service(nil), m.Services...)
	sort.Slice(all, func(i, j int) bool { return all[i].Key() < all[j].Key() })
	return all
}

// endpoints gives each protocol once, on the instance's port where a service names none.
func (m Metadata) endpoints(port int) []Endpoint {
	var all []Endpoint
	seen := map[Endpoint]bool{}
	for _, s := range m.sorted() {
		e := Endpoint{Port: s.Port, Protocol: s.Protocol}
		if e.Port == 0 {
			e.Port = port
		}
		if !seen[e] {
			seen[e] = true
			all = append(all, e)
		}
	}
	if len(all) == 0 {
		all = []Endpoint{{Port: port, Protocol: "dubbo"}}
	}
	return all
}

// document is the form that Dubbo Java writes and reads.
type document struct {
	App      string             `json:"app"`
	Revision string             `json:"revision"`
	Services map[string]Service `json:"services"`
}

// MarshalJSON gives Dubbo Java's form: {"app":…,"revision":…,"services":{key:{…}}}. The same content gives the same bytes.
func (m Metadata) MarshalJSON() ([]byte, error) {
	d := document{App: m.App, Revision: m.Revision(), Services: map[string]Service{}}
	for _, s := range m.Published() {
		d.Services[s.Key()] = s
	}
	return json.Marshal(d)
}

// MaxMetadataBytes is the largest metadata document that is read.
const MaxMetadataBytes = 4 << 20

// parseMetadata reads Dubbo Java's form and gives the revision that the document claims (2.7's is not that of [Metadata.Revision]).
func parseMetadata(b []byte) (m Metadata, revision string, err error) {
	if len(b) > MaxMetadataBytes {
		return Metadata{}, "", fmt.Errorf("parse metadata: %d bytes, the limit is %d", len(b), MaxMetadataBytes)
	}
	var d document
	dec := json.NewDecoder(strings.NewReader(string(b)))
	if err := dec.Decode(&d); err != nil {
		return Metadata{}, "", fmt.Errorf("parse metadata: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Metadata{}, "", errors.New("parse metadata: something follows the document")
	}
	m.App = d.App
	for key, s := range d.Services {
		if s.Name == "" {
			return Metadata{}, "", fmt.Errorf("parse metadata: service %q has no name", key)
		}
		if digest, ok := s.Params[digestParam]; ok {
			m.Digest = digest
			delete(s.Params, digestParam)
		}
		m.Services = append(m.Services, s)
	}
	m.Services = m.sorted()
	return m, d.Revision, nil
}

// CheckMetadata reads a document that was fetched for an application and a revision, and refuses one that claims to be another's.
// A document that claims nothing is taken. Fields that Dubbo added are ignored.
func CheckMetadata(b []byte, app, revision string) (Metadata, error) {
	m, claimed, err := parseMetadata(b)
	if err != nil {
		return Metadata{}, fmt.Errorf("metadata of %s, revision %s: %w", app, revision, err)
	}
	if claimed != "" && claimed != revision {
		return Metadata{}, fmt.Errorf("metadata of %s, revision %s: the document claims revision %q", app, revision, claimed)
	}
	if m.App != "" && m.App != app {
		return Metadata{}, fmt.Errorf("metadata of %s, revision %s: the document claims application %q", app, revision, m.App)
	}
	m.App = app
	return m, nil
}
