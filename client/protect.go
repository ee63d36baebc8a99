package client

import (
	"cmp"

	"github.com/dubbofn/dubbofn/invoker/cluster"
	"github.com/dubbofn/dubbofn/invoker/protect"
)

// defaultBudget is how many retries there may be in a hundred calls.
const defaultBudget = 20

// guard makes what protects the service's calls: before the choice of a provider, and before each provider.
func (s *Service) guard(cc *cluster.Config) error {
	cfg, pc := &s.client.cfg, s.ref.protect
	pc.Log = s.client.log
	pc.Concurrency = cmp.Or(pc.Concurrency, cfg.CallLimit)
	pc.Rate = cmp.Or(pc.Rate, cfg.CallRate)
	var err error
	if s.protection, err = protect.New(pc); err != nil {
		return err
	}
	if s.providers, err = protect.NewProviders(s.ref.key, protect.Breaker{Percent: cfg.Breaker}, s.client.log); err != nil {
		return err
	}
	cc.Guard = s.providers.Guard
	if b := cmp.Or(cfg.RetryBudget, defaultBudget); b > 0 {
		cc.Budget = protect.NewBudget(b)
	}
	return nil
}

// Protection gives what the limits have seen: of each method, and before the providers.
func (s *Service) Protection() (map[string]protect.Stats, protect.ProviderStats) {
	if !s.isConnected() {
		return nil, protect.ProviderStats{}
	}
	return s.protection.Stats(), s.providers.Stats()
}
