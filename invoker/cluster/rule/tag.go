package rule

import (
	"fmt"
	"net"
	"strings"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
)

// Tag is a tag router: calls with a dubbo.tag go to providers with that tag, those without to providers without (Java:
// TagStateRouter, 3.3.6). The zero value knows no rule but the providers' own tags.
type Tag struct {
	Head head  `yaml:",inline"`
	Tags []tag `yaml:"tags"`
}

// tag is the providers that a rule gives a tag: by address, or by what they publish.
type tag struct {
	Name      string       `yaml:"name"`
	Addresses []string     `yaml:"addresses"`
	Match     []paramMatch `yaml:"match"`

	patterns []address
}

const (
	keyTag   = "dubbo.tag"
	keyForce = "dubbo.force.tag"
)

// ParseTag reads a document "<application>.tag-router". Its error joins every fault.
func ParseTag(doc string) (Tag, error) {
	var t Tag
	if err := read(doc, &t); err != nil {
		return t, err
	}
	var faults []error
	if err := known(t.Head.ConfigVersion); err != nil {
		faults = append(faults, err)
	}
	if len(t.Tags) == 0 {
		faults = append(faults, fmt.Errorf("no tags: want a list of tags with name and addresses or match"))
	}
	for i := range t.Tags {
		g := &t.Tags[i]
		where := fmt.Sprintf("tag %d (%q)", i+1, g.Name)
		if g.Name == "" {
			faults = append(faults, fmt.Errorf("%s: want a name", where))
		}
		for _, a := range g.Addresses {
			p, err := parseAddress(a)
			if err != nil {
				faults = append(faults, fmt.Errorf("%s: %w", where, err))
			}
			g.patterns = append(g.patterns, p)
		}
		for n, m := range g.Match {
			if err := m.check(fmt.Sprintf("%s: match %d", where, n+1)); err != nil {
				faults = append(faults, err)
			}
		}
	}
	return t, join(faults)
}

// dynamic tells whether the rule gives tags.
func (t Tag) dynamic() bool { return len(t.Tags) > 0 && t.Head.enabled() }

// AppendKey implements [cluster.Router].
func (t Tag) AppendKey(key []byte, inv *invoker.Invocation) []byte {
	key = append(key, inv.Attachments.Get(keyTag)...)
	if inv.Attachments.Get(keyForce) == "true" {
		key = append(key, '!')
	}
	return key
}

// Route implements [cluster.Router].
func (t Tag) Route(inv *invoker.Invocation, in []*cluster.Provider) []*cluster.Provider {
	want := inv.Attachments.Get(keyTag)
	force := strings.EqualFold(inv.Attachments.Get(keyForce), "true")
	untagged := func(p *cluster.Provider) bool { return p.Param(keyTag) == "" }
	if !t.dynamic() {
		if want == "" {
			return keep(in, untagged)
		}
		left := keep(in, func(p *cluster.Provider) bool { return p.Param(keyTag) == want })
		if len(left) == 0 && !force {
			return keep(in, untagged)
		}
		return left
	}
	inAny := func(p *cluster.Provider) bool {
		for i := range t.Tags {
			if t.has(&t.Tags[i], p) {
				return true
			}
		}
		return false
	}
	if want == "" {
		left := keep(in, func(p *cluster.Provider) bool { return !inAny(p) })
		return keep(left, untagged)
	}
	if g := t.named(want, in); g != nil {
		left := keep(in, func(p *cluster.Provider) bool { return t.has(g, p) })
		if len(left) > 0 || t.Head.Force || force {
			return left
		}
	} else {
		left := keep(in, func(p *cluster.Provider) bool { return p.Param(keyTag) == want })
		if len(left) > 0 || force {
			return left
		}
	}
	return keep(in, func(p *cluster.Provider) bool { return !inAny(p) && untagged(p) })
}

// named gives the tag of that name, nil where the rule has none; one by what providers publish counts only where a provider does.
func (t Tag) named(name string, in []*cluster.Provider) *tag {
	for i := range t.Tags {
		g := &t.Tags[i]
		if g.Name != name {
			continue
		}
		if len(g.Addresses) > 0 {
			return g
		}
		for _, p := range in {
			if t.has(g, p) {
				return g
			}
		}
	}
	return nil
}

// has tells whether the rule gives a provider a tag.
func (t Tag) has(g *tag, p *cluster.Provider) bool {
	if len(g.Addresses) > 0 {
		host, port, err := net.SplitHostPort(p.Address)
		if err != nil {
			return false
		}
		for _, a := range g.patterns {
			if a.matches(host, port) {
				return true
			}
		}
		return false
	}
	if !strings.HasPrefix(t.Head.ConfigVersion, "v3.0") || len(g.Match) == 0 {
		return false
	}
	for _, m := range g.Match {
		if !m.matches(p.Param(m.Key)) {
			return false
		}
	}
	return true
}

// keep gives those that a test lets pass, in itself where that is all of them.
func keep(in []*cluster.Provider, pass func(*cluster.Provider) bool) []*cluster.Provider {
	for i, p := range in {
		if pass(p) {
			continue
		}
		out := append([]*cluster.Provider(nil), in[:i]...)
		for _, p := range in[i+1:] {
			if pass(p) {
				out = append(out, p)
			}
		}
		return out
	}
	return in
}
