package rule

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
)

// Configurator changes parameters of providers as the consumer sees them: timeout, weight, disabled, retries and others (Java:
// ConfigParser and OverrideConfigurator, 3.3.6). Only what is meant for the consumer's side counts here.
type Configurator struct {
	Head    head     `yaml:",inline"`
	Configs []config `yaml:"configs"`

	consumer Consumer
}

// config is one change, and whom it is for.
type config struct {
	Side              string         `yaml:"side"`
	Type              string         `yaml:"type"`
	Enabled           *bool          `yaml:"enabled"`
	Addresses         []string       `yaml:"addresses"` // of consumers, on their side
	ProviderAddresses []string       `yaml:"providerAddresses"`
	Services          []string       `yaml:"services"`
	Applications      []string       `yaml:"applications"`
	Parameters        map[string]any `yaml:"parameters"`
	Match             *configMatch   `yaml:"match"`

	values map[string]string
}

// configMatch is v3.0's way to say whom a change is for (Java: ConditionMatch).
type configMatch struct {
	Address         *addressMatch `yaml:"address"`
	ProviderAddress *addressMatch `yaml:"providerAddress"`
	Service         *listMatch    `yaml:"service"`
	App             *listMatch    `yaml:"app"`
	Application     *listMatch    `yaml:"application"`
	Param           []paramMatch  `yaml:"param"`
}

type addressMatch struct {
	Wildcard string `yaml:"wildcard"`
	CIDR     string `yaml:"cird"` // as Dubbo spells it
	Exact    string `yaml:"exact"`
}

type listMatch struct {
	OneOf []*stringMatch `yaml:"oneof"`
}

// ParseConfigurator reads a document "….configurators". Its error joins the first faults.
func ParseConfigurator(doc string) (Configurator, error) {
	var c Configurator
	if strings.HasPrefix(strings.TrimSpace(doc), "[") {
		return c, errors.New("a list of override:// URLs, as Dubbo 2.6 had them: want a configurator of v2.7 or v3.0")
	}
	if err := read(doc, &c); err != nil {
		return c, err
	}
	var faults []error
	if err := known(c.Head.ConfigVersion); err != nil {
		faults = append(faults, err)
	}
	if c.Head.Scope != "" && c.Head.Scope != "service" && c.Head.Scope != "application" {
		faults = append(faults, fmt.Errorf("scope %q: want service or application", c.Head.Scope))
	}
	if c.Head.Key == "" {
		faults = append(faults, errors.New("no key: want the service ([group/]interface[:version]) or the application"))
	}
	if len(c.Configs) == 0 {
		faults = append(faults, errors.New("no configs: want a list of changes with side and parameters"))
	}
	for i := range c.Configs {
		for _, err := range c.Configs[i].compile() {
			faults = append(faults, fmt.Errorf("config %d: %w", i+1, err))
		}
	}
	return c, join(faults)
}

func (g *config) compile() (faults []error) {
	if g.Side != "" && g.Side != "consumer" && g.Side != "provider" {
		faults = append(faults, fmt.Errorf("side %q: want consumer or provider", g.Side))
	}
	if len(g.Parameters) == 0 {
		faults = append(faults, errors.New("no parameters: want at least one to change"))
	}
	g.values = map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(g.Parameters)) {
		switch v := g.Parameters[k].(type) {
		case nil: // Java refuses the document as well (ConfigItem.parseFromMap, 3.3.6)
			faults = append(faults, fmt.Errorf(`parameter %s has no value: want one, "" for the empty one`, k))
		case map[string]any, []any:
			faults = append(faults, fmt.Errorf("parameter %s: want one value, not a list or map", k))
		default:
			g.values[k] = fmt.Sprint(v)
		}
	}
	if m := g.Match; m != nil {
		for n, p := range m.Param {
			if err := p.check(fmt.Sprintf("match: param %d", n+1)); err != nil {
				faults = append(faults, err)
			}
		}
		for _, l := range []*listMatch{m.Service, m.App, m.Application} {
			if l == nil {
				continue
			}
			for _, s := range l.OneOf {
				if s == nil {
					faults = append(faults, errors.New("match: oneof: an empty entry: want exact, prefix, regex, wildcard, empty or noempty"))
					continue
				}
				if err := s.compile("match: oneof"); err != nil {
					faults = append(faults, err)
				}
			}
		}
		if a := m.Address; a != nil && a.CIDR != "" {
			if _, err := parseAddress(a.CIDR); err != nil {
				faults = append(faults, fmt.Errorf("match: address: %w", err))
			}
		}
		if a := m.ProviderAddress; a != nil && a.CIDR != "" {
			faults = append(faults, fmt.Errorf("match: providerAddress: cird %q: Java compares it with host and port, so that none is in it: want exact or wildcard, like 10.0.*", a.CIDR))
		}
	}
	return faults
}

// of gives the configurator of a consumer.
func (c Configurator) of(consumer Consumer) Configurator {
	c.consumer = consumer
	return c
}

// Apply adds what the rule says of a provider to its parameters.
func (c Configurator) Apply(p *cluster.Provider, to map[string]string) {
	for i := range c.Configs {
		g := &c.Configs[i]
		on := c.Head.enabled()
		if g.Type != "" && g.Type != "general" {
			on = g.Enabled == nil || *g.Enabled
		}
		if on && g.Side == "consumer" && c.concerns(g) && c.means(g, p) {
			maps.Copy(to, g.values)
		}
	}
}

// concerns tells whether a change is for this consumer and service.
func (c Configurator) concerns(g *config) bool {
	me := c.consumer
	if c.Head.Scope == "application" {
		if c.Head.Key != "*" && c.Head.Key != me.Application {
			return false
		}
		if len(g.Services) > 0 && !slices.ContainsFunc(g.Services, func(s string) bool { return s == "*" || same(s, me.Service) }) {
			return false
		}
	} else {
		if c.Head.Key != "*" && !same(c.Head.Key, me.Service) {
			return false
		}
		if len(g.Applications) > 0 && !slices.Contains(g.Applications, "*") && !slices.Contains(g.Applications, me.Application) {
			return false
		}
	}
	return len(g.Addresses) == 0 || slices.ContainsFunc(g.Addresses, func(a string) bool {
		host, _, found := strings.Cut(a, ":")
		if !found {
			host = a
		}
		return host == "0.0.0.0" || host == me.Host
	})
}

// same compares a service key of a rule with the consumer's.
func same(text string, key invoker.ServiceKey) bool {
	k, err := invoker.ParseServiceKey(text)
	if k.Version == "0.0.0" {
		k.Version = ""
	}
	if key.Version == "0.0.0" {
		key.Version = ""
	}
	return err == nil && k == key
}

// means tells whether a change is for this provider.
func (c Configurator) means(g *config, p *cluster.Provider) bool {
	host, port, _ := net.SplitHostPort(p.Address)
	if len(g.ProviderAddresses) > 0 && !slices.ContainsFunc(g.ProviderAddresses, func(a string) bool {
		return a == p.Address || a == "0.0.0.0" || a == "0.0.0.0:*" || a == "0.0.0.0:"+port || a == host
	}) {
		return false
	}
	m := g.Match
	if m == nil || !strings.HasPrefix(c.Head.ConfigVersion, "v3.0") {
		return true
	}
	app := m.App
	if app == nil {
		app = m.Application
	}
	if m.Address != nil && !m.Address.matches(c.consumer.Host) || m.ProviderAddress != nil && !m.ProviderAddress.matches(p.Address) ||
		m.Service != nil && !m.Service.matches(c.consumer.Service.String()) || app != nil && !app.matches(c.consumer.Application) {
		return false
	}
	return !slices.ContainsFunc(m.Param, func(pm paramMatch) bool { return !pm.matches(p.Param(pm.Key)) })
}

func (l *listMatch) matches(s string) bool {
	return slices.ContainsFunc(l.OneOf, func(m *stringMatch) bool { return m.matches(s) })
}

// matches compares a consumer's host or a provider's host and port (Java: AddressMatch.isMatch, 3.3.6).
func (m *addressMatch) matches(of string) bool {
	switch {
	case m.CIDR != "":
		a, err := parseAddress(m.CIDR)
		return err == nil && a.matches(of, "0")
	case m.Wildcard != "":
		return m.Wildcard == "0.0.0.0" || glob(m.Wildcard, of)
	}
	return m.Exact != "" && m.Exact == of
}
