package cluster

import (
	"context"
	"testing"

	"github.com/dubbofn/dubbofn/invoker"
)

// sent calls a provider and gives the call as it came there.
func sent(t *testing.T, c Config, p Provider) invoker.Invocation {
	t.Helper()
	d := network(t, 1)
	p.Address, p.Target = d.all[0].name, d.Snapshot().Providers[0].Target
	d.snap.Store(&Snapshot{Providers: []*Provider{NewProvider(p)}})
	var came invoker.Invocation
	d.all[0].answer = func(_ context.Context, inv *invoker.Invocation) (invoker.Result, error) {
		came = *inv
		return invoker.Result{}, nil
	}
	if _, err := d.cluster(c).Invoke(t.Context(), call()); err != nil {
		t.Fatal(err)
	}
	return came
}

func TestClusterSaysWhetherTimeIsCountedDown(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	const key = "enable-timeout-countdown"
	for name, x := range map[string]struct {
		c    Config
		p    Provider
		want invoker.Countdown
	}{
		"nobody says it":                 {Config{}, Provider{}, invoker.CountdownInherited},
		"the provider does":              {Config{}, Provider{Service: map[string]string{key: "true"}}, invoker.CountdownOn},
		"the provider, of the method":    {Config{}, Provider{Service: map[string]string{key: "true", "get." + key: "false"}}, invoker.CountdownOff},
		"the consumer before it":         {Config{Countdown: &no}, Provider{Service: map[string]string{key: "true"}}, invoker.CountdownOff},
		"the consumer, of the method":    {Config{Countdown: &no, Methods: map[string]MethodConfig{"get": {Countdown: &yes}}}, Provider{}, invoker.CountdownOn},
		"the consumer, of another":       {Config{Methods: map[string]MethodConfig{"put": {Countdown: &yes}}}, Provider{}, invoker.CountdownInherited},
		"the operator before everybody":  {Config{Countdown: &no}, Provider{Override: map[string]string{key: "true"}}, invoker.CountdownOn},
		"the operator, who turns it off": {Config{Countdown: &yes}, Provider{Override: map[string]string{key: "false"}}, invoker.CountdownOff},
	} {
		if got := sent(t, x.c, x.p).Countdown; got != x.want {
			t.Errorf("%s: %v, want %v", name, got, x.want)
		}
	}
}

func TestClusterCallsAProviderByItsPath(t *testing.T) {
	t.Parallel()
	if got := sent(t, Config{}, Provider{Path: "shop/users"}); got.Path != "shop/users" || got.Service.Interface != "org.example.Users" {
		t.Errorf("%+v", got)
	}
	if got := sent(t, Config{}, Provider{}); got.Path != "" {
		t.Errorf("%+v", got)
	}
}
