// Package hint carries what registries say from one process to the next: a keeper, or a snapshot, remembers it, and a process that starts cold begins
// with it instead of waiting for its registries. It is a hint: once the registry itself answers, its word counts.
package hint

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/dubbofn/dubbofn/registry"
)

// Kind is what a [Key] asks for.
type Kind string

// The kinds.
const (
	Apps      Kind = "apps"      // the applications that offer interface Name
	Instances Kind = "instances" // the instances of application Name, or, with Interface, of interface Name in Group and Version
	Rule      Kind = "rule"      // the document Name in Group
	Metadata  Kind = "metadata"  // the metadata of application Name, of revision Version
)

// Key is one thing that a registry is asked for. It is comparable.
type Key struct {
	Source    string `json:"source"` // the registry's URL, without credentials
	Kind      Kind   `json:"kind"`
	Name      string `json:"name"`
	Group     string `json:"group,omitempty"`
	Version   string `json:"version,omitempty"`
	Interface bool   `json:"interface,omitempty"`
}

// instancesKey is the key of a name.
func instancesKey(source string, n registry.Name) Key {
	if n.Interface == "" {
		return Key{Source: source, Kind: Instances, Name: n.App}
	}
	return Key{Source: source, Kind: Instances, Name: n.Interface, Group: n.Group, Version: n.Version, Interface: true}
}

// name is what instancesKey was made of.
func (k Key) name() registry.Name {
	if !k.Interface {
		return registry.Name{App: k.Name}
	}
	return registry.Name{Interface: k.Name, Group: k.Group, Version: k.Version}
}

// The endings and groups of governance rules (Java: TagStateRouter, ServiceStateRouter, AppStateRouter, AbstractConfiguratorListener,
// MigrationRuleListener; 3.3.6).
var (
	ruleEndings = []string{".tag-router", ".condition-router", ".configurators", ".migration"}
	ruleGroups  = []string{"dubbo", "DUBBO_SERVICEDISCOVERY_MIGRATION"}
)

const maxKeyBytes = 1 << 10

// Validate refuses keys of what is no business of a consumer's: a registry may hold other documents than rules, and secrets in them.
func (k Key) Validate() error {
	switch {
	case k.Name == "":
		return errors.New("hint: a key without a name")
	case len(k.Source)+len(k.Name)+len(k.Group)+len(k.Version) > maxKeyBytes:
		return fmt.Errorf("hint: a key of more than %d bytes", maxKeyBytes)
	case strings.ContainsFunc(k.Source+k.Name+k.Group+k.Version, func(r rune) bool { return r < ' ' }):
		return fmt.Errorf("hint: the key of %q in %q has a character that no name has", k.Name, k.Source)
	}
	switch k.Kind {
	case Apps, Instances, Metadata:
		return nil
	case Rule:
		if slices.Contains(ruleGroups, k.Group) && slices.ContainsFunc(ruleEndings, func(e string) bool { return strings.HasSuffix(k.Name, e) }) {
			return nil
		}
		return fmt.Errorf("hint: %q in group %q is no governance rule", k.Name, k.Group)
	}
	return fmt.Errorf("hint: unknown kind %q", k.Kind)
}

// entry is a key's answer.
type entry struct {
	Key       Key                 `json:"key"`
	Apps      []string            `json:"apps,omitempty"`
	Instances []registry.Instance `json:"instances,omitempty"`
	Text      string              `json:"text,omitempty"` // of a rule
	Metadata  *metadata           `json:"metadata,omitempty"`
}

// metadata is registry.Metadata without the revision that its own JSON claims: what was published under a revision need not hash to it.
type metadata struct {
	App      string             `json:"app"`
	Services []registry.Service `json:"services,omitempty"`
	Digest   string             `json:"digest,omitempty"`
}

// State is what registries have said. The zero value is empty and ready. Safe for concurrent use.
type State struct {
	mu      sync.Mutex
	entries map[Key]entry
	version uint64
	more    chan struct{} // closed by the next Merge; nil where nobody waits for one
}

const (
	// MaxBytes bounds an encoded State.
	MaxBytes   = 4 << 20
	maxEntries = 4096
	version    = 1
)

func (s *State) set(e entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries == nil {
		s.entries = map[Key]entry{}
	}
	if _, known := s.entries[e.Key]; known || len(s.entries) < maxEntries {
		s.entries[e.Key] = e
		s.version++
	}
}

func (s *State) get(k Key) (entry, bool) {
	if s == nil {
		return entry{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[k]
	return e, ok
}

// Merge adds what another state knows, which wins, and tells the watches that wait for a hint.
func (s *State) Merge(other *State) { s.merge(other, true) }

// MergeOlder is Merge of what is older: what is known already stays.
func (s *State) MergeOlder(other *State) { s.merge(other, false) }

func (s *State) merge(other *State, wins bool) {
	other.mu.Lock()
	all := slices.Collect(maps.Values(other.entries))
	other.mu.Unlock()
	for _, e := range all {
		if _, known := s.get(e.Key); wins || !known {
			s.set(e)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.more != nil {
		close(s.more)
		s.more = nil
	}
}

// merged gives what the next Merge closes; nil, which nothing closes, for a nil state.
func (s *State) merged() <-chan struct{} {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.more == nil {
		s.more = make(chan struct{})
	}
	return s.more
}

func (s *State) drop(k Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.entries[k]; ok {
		delete(s.entries, k)
		s.version++
	}
}

// Has tells whether anything is known of a source.
func (s *State) Has(source string) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range s.entries {
		if k.Source == source {
			return true
		}
	}
	return false
}

// Keys gives what is known, without metadata, which goes with its applications' instances.
func (s *State) Keys() []Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Key
	for k := range s.entries {
		if k.Kind != Metadata {
			all = append(all, k)
		}
	}
	slices.SortFunc(all, compareKeys)
	return all
}

func compareKeys(a, b Key) int {
	return strings.Compare(a.Source+"\x00"+string(a.Kind)+"\x00"+a.Name+"\x00"+a.Group+"\x00"+a.Version, b.Source+"\x00"+string(b.Kind)+"\x00"+b.Name+"\x00"+b.Group+"\x00"+b.Version)
}

// document is an encoded State.
type document struct {
	Version int     `json:"version"`
	Entries []entry `json:"entries"`
}

// Encode gives the state as bytes, of [MaxBytes] at most: what has no room is left out. The same content gives the same bytes.
func (s *State) Encode() []byte { return s.encode(nil) }

// EncodeKeys gives what is known of these keys, with the metadata that its instances show, as [State.Encode] gives everything.
func (s *State) EncodeKeys(keys []Key) []byte {
	wanted := make(map[Key]bool, len(keys))
	for _, k := range keys {
		wanted[k] = true
	}
	return s.encode(wanted)
}

// encode gives only what was wanted, with the metadata that its instances show; nil stands for everything.
func (s *State) encode(wanted map[Key]bool) []byte {
	s.mu.Lock()
	all := slices.SortedFunc(maps.Keys(s.entries), compareKeys)
	doc := document{Version: version, Entries: []entry{}}
	for _, k := range all {
		if wanted == nil || wanted[k] {
			doc.Entries = append(doc.Entries, s.entries[k])
		}
	}
	if wanted != nil {
		doc.Entries = append(doc.Entries, s.shown(doc.Entries)...)
	}
	s.mu.Unlock()
	b, err := json.Marshal(doc)
	for err == nil && len(b) > MaxBytes && len(doc.Entries) > 0 {
		doc.Entries = doc.Entries[:len(doc.Entries)/2]
		b, err = json.Marshal(doc)
	}
	if err != nil { // there is nothing in it that JSON can't hold
		return nil
	}
	return b
}

// shown is called with the lock held; it gives the metadata of the revisions that instances show.
func (s *State) shown(entries []entry) []entry {
	seen := map[Key]bool{}
	var all []entry
	for _, e := range entries {
		if e.Key.Kind != Instances || e.Key.Interface {
			continue
		}
		for _, i := range e.Instances {
			k := Key{Source: e.Key.Source, Kind: Metadata, Name: e.Key.Name, Version: i.Revision()}
			if m, ok := s.entries[k]; ok && !seen[k] {
				seen[k] = true
				all = append(all, m)
			}
		}
	}
	return all
}

// Decode reads what Encode gave. It is refused as a whole where it makes no sense.
func Decode(b []byte) (*State, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("read registry state: %d bytes (limit %d)", len(b), MaxBytes)
	}
	var doc document
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("read registry state: %w", err)
	}
	if doc.Version != version {
		return nil, fmt.Errorf("read registry state: version %d (want %d)", doc.Version, version)
	}
	if len(doc.Entries) > maxEntries {
		return nil, fmt.Errorf("read registry state: %d entries (limit %d)", len(doc.Entries), maxEntries)
	}
	s := &State{}
	for _, e := range doc.Entries {
		if err := e.Key.Validate(); err != nil {
			return nil, fmt.Errorf("read registry state: %w", err)
		}
		if e.Key.Kind == Metadata && e.Metadata == nil {
			return nil, fmt.Errorf("read registry state: %q has no metadata", e.Key.Name)
		}
		s.set(e)
	}
	return s, nil
}
