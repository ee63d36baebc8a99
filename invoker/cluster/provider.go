package cluster

import "github.com/dubbofn/dubbofn/cold"

// Provider is one address that offers the service. Its fields never change; a change of what a provider publishes, or of the
// rules for it, is another Provider at the same address (see [Provider.Next]).
type Provider struct {
	Address  string             // "10.0.0.1:20880"
	App      string             // the application, where the registry tells
	Service  map[string]string  // what the service publishes: shared by all instances of a revision; may be nil
	Instance map[string]string  // what the instance says of itself; wins over Service; may be nil
	Override map[string]string  // what the configurators say; wins over everything; may be nil
	Target   *cold.Target[Conn] // its connections; the directory holds and releases them
	*state
}

// Param gives a parameter: the rules' word, else the instance's, else the service's, else "".
func (p *Provider) Param(key string) string {
	for _, m := range [...]map[string]string{p.Override, p.Instance, p.Service} {
		if v, ok := m[key]; ok {
			return v
		}
	}
	return ""
}

// MethodParam gives "method.key" where there is one, else "key" (Java: URL.getMethodParameter, 3.3.6).
func (p *Provider) MethodParam(method, key string) string {
	if v := p.Param(method + "." + key); v != "" {
		return v
	}
	return p.Param(key)
}
