package rule

import (
	"encoding/binary"
	"fmt"
	"net"
	"slices"
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

// ParseTag reads a document "<application>.tag-router". Its error joins the first faults. Without tags it is no rule (Java:
// TagRuleParser, 3.3.6).
func ParseTag(doc string) (Tag, error) {
	var t Tag
	if err := read(doc, &t); err != nil {
		return t, err
	}
	var faults []error
	if err := known(t.Head.ConfigVersion); err != nil {
		faults = append(faults, err)
	}
	for i := range t.Tags {
		g := &t.Tags[i]
		where := fmt.Sprintf("tag %d (%q)", i+1, g.Name)
		if g.Name == "" {
			faults = append(faults, fmt.Errorf("%s: want a name", where))
		}
		if len(g.Addresses) == 0 && len(g.Match) == 0 && t.byParams() {
			faults = append(faults, fmt.Errorf("%s: want addresses or match", where))
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

// byParams tells whether tags may be given by what providers publish.
func (t Tag) byParams() bool { return strings.HasPrefix(t.Head.ConfigVersion, "v3.0") }

// dynamic tells whether the rule gives tags.
func (t Tag) dynamic() bool { return len(t.Tags) > 0 && t.Head.enabled() }

// AppendKey implements [cluster.Router].
func (t Tag) AppendKey(key []byte, inv *invoker.Invocation) []byte {
	return appendPart(key, insist(inv), inv.Attachments.Get(keyTag))
}

// appendPart adds to a key what no other flag and value give, whatever follows: a value may hold any byte.
func appendPart(key []byte, flag bool, value string) []byte {
	n := uint64(len(value)) << 1
	if flag {
		n |= 1
	}
	return append(binary.AppendUvarint(key, n), value...)
}

// insist tells whether a call is for providers with its tag and for no other.
func insist(inv *invoker.Invocation) bool {
	return strings.EqualFold(inv.Attachments.Get(keyForce), "true")
}

// Route implements [cluster.Router].
func (t Tag) Route(inv *invoker.Invocation, in []*cluster.Provider) []cluster.Share {
	return cluster.Whole(t.left(inv, in))
}

// left gives the providers that are left for a call.
func (t Tag) left(inv *invoker.Invocation, in []*cluster.Provider) []*cluster.Provider {
	want := inv.Attachments.Get(keyTag)
	force := insist(inv)
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
	tags := t.given(in)
	inAny := func(p *cluster.Provider) bool {
		return slices.ContainsFunc(tags, func(g *tag) bool { return t.has(g, p) })
	}
	if want == "" {
		left := keep(in, func(p *cluster.Provider) bool { return !inAny(p) })
		return keep(left, untagged)
	}
	if g := level(tags, want, force); g != nil {
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

// given gives the tags that the rule gives: of several with one name the last, and one by what providers publish only where a
// provider does, but then before one by address (Java: TagRouterRule.init).
func (t Tag) given(in []*cluster.Provider) []*tag {
	var tags []*tag
	put := func(g *tag) {
		tags = append(slices.DeleteFunc(tags, func(o *tag) bool { return o.Name == g.Name }), g)
	}
	for i := range t.Tags {
		if g := &t.Tags[i]; len(g.Addresses) > 0 {
			put(g)
		}
	}
	for i := range t.Tags {
		if g := &t.Tags[i]; len(g.Addresses) == 0 && slices.ContainsFunc(in, func(p *cluster.Provider) bool { return t.has(g, p) }) {
			put(g)
		}
	}
	return tags
}

// level gives the tag that a call wants, nil where there is none: "gray|team|me" means that one, else "gray|team", else "gray"
// (Java: TagStateRouter.selectAddressByTagLevel). A call that insists means what it says.
func level(tags []*tag, want string, force bool) *tag {
	levels := []string{want}
	if !force && strings.Contains(want, "|") {
		levels = strings.FieldsFunc(want, func(r rune) bool { return r == '|' })
	}
	for n := len(levels); n > 0; n-- {
		name := strings.Join(levels[:n], "|")
		if i := slices.IndexFunc(tags, func(g *tag) bool { return g.Name == name }); i >= 0 {
			return tags[i]
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
	if !t.byParams() || len(g.Match) == 0 {
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
