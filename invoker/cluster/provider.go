package cluster

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/invoker"
)

// Provider is one address that offers the service. Its fields never change; a change of what a provider publishes, or of the
// rules for it, is another Provider at the same address (see [Provider.Next]).
type Provider struct {
	Address  string             // "10.0.0.1:20880"
	App      string             // the application, where the registry tells
	Service  map[string]string  // what the service publishes: shared by all instances of a revision; may be nil
	Instance map[string]string  // what the instance says of itself; wins over Service; may be nil
	Override map[string]string  // what the configurators say; wins over everything; may be nil
	Key      invoker.ServiceKey // what is called there, where that isn't what the call names: the call's version or group is a pattern
	Path     string             // what the service is exported under there; empty where that is the interface
	Target   *cold.Target[Conn] // its connections; the directory holds and releases them
	token    string             // what the provider publishes, to be sent back with each call
	state    *state
}

// NewProvider gives p a state of its own: the calls that run there, and how long calls have taken.
func NewProvider(p Provider) *Provider {
	p.state, p.token = &state{}, p.Param("token")
	return &p
}

// Next gives a new version of the provider at the same address, which goes on with its state.
func (p *Provider) Next(next Provider) *Provider {
	next.state, next.token = p.state, next.Param("token")
	return &next
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

// Ready tells whether a call can be sent there at once: it is connected, not going (READONLY), and its [Guard] has nothing
// against it.
func (p *Provider) Ready() bool { return p.Target != nil && p.Target.Ready() && p.admits() }

// available tells whether a call may as well go there: it is ready, or the first call is to connect to it (Java:
// LazyConnectExchangeClient.isConnected, 3.3.6).
func (p *Provider) available() bool {
	return p.Ready() || p.Target != nil && p.Target.State() == cold.Idle && p.admits()
}

const (
	defaultWeight = 100
	defaultWarmup = 10 * 60 * 1000 // ms
)

// Weight is the share of calls that the provider is to get, 100 where it says nothing, less while it warms up: it grows in
// proportion during the first 10 minutes (parameter warmup, ms) after its timestamp, where it tells one (Java:
// AbstractLoadBalance.getWeight, 3.3.6).
func (p *Provider) Weight(method string, now time.Time) int {
	weight := number(p.MethodParam(method, "weight"), defaultWeight)
	if weight <= 0 {
		return 0
	}
	stamp := number(p.Param("timestamp"), 0)
	if stamp <= 0 {
		return weight
	}
	up := now.UnixMilli() - int64(stamp)
	if up < 0 {
		return 1
	}
	if warmup := number(p.Param("warmup"), defaultWarmup); up > 0 && up < int64(warmup) {
		return warmupWeight(up, warmup, weight)
	}
	return weight
}

// warmupWeight is Java's AbstractLoadBalance.calculateWarmupWeight, whose float arithmetic decides the last digit.
func warmupWeight(up int64, warmup, weight int) int {
	w := int(float32(up) / (float32(warmup) / float32(weight)))
	return max(1, min(w, weight))
}

// number reads a whole number that a parameter holds; nonsense is as good as nothing.
func number(s string, otherwise int) int {
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return otherwise
	}
	return n
}

// connect gives a connection, which may have to be made.
func (p *Provider) connect(ctx context.Context) (Conn, error) {
	if p.Target == nil {
		return nil, fmt.Errorf("%s has no connections", p.Address)
	}
	return p.Target.Get(ctx)
}

// send sends one call and keeps the provider's figures.
func (p *Provider) send(ctx context.Context, conn Conn, inv *invoker.Invocation) (invoker.Result, error) {
	if p.Key.Interface != "" || p.token != "" || p.Path != "" {
		inv = p.own(inv)
	}
	p.state.active.Add(1)
	begin := time.Now()
	res, err := conn.Invoke(ctx, inv)
	p.state.active.Add(-1)
	if err == nil || !isError(err) { // what the method threw is an answer, too (Java: ActiveLimitFilter.onResponse, 3.3.6)
		p.state.took(time.Since(begin))
	}
	return res, err
}

// own gives the call as this provider wants it.
func (p *Provider) own(inv *invoker.Invocation) *invoker.Invocation {
	mine := *inv
	if p.Path != "" {
		mine.Path = p.Path
	}
	if p.Key.Interface != "" {
		mine.Service = p.Key
	}
	if _, ok := inv.Attachments.Value("token"); !ok && p.token != "" {
		mine.Attachments = invoker.Attachments{}
		for k, v := range inv.Attachments.All() {
			mine.Attachments.Set(k, v)
		}
		mine.Attachments.Set("token", p.token)
	}
	return &mine
}

// unreachable is the error of a call that found no connection, and so did not run.
func unreachable(ctx context.Context, err error) error {
	code := invoker.CodeUnavailable
	switch {
	case ctx.Err() == nil:
	case isDeadline(ctx.Err()) || isDeadline(context.Cause(ctx)):
		code = invoker.CodeTimeout
	default:
		code = invoker.CodeCanceled
	}
	return &invoker.Error{Code: code, Err: err}
}

// reachable tells whether a call may reach it: it wasn't tried, or is being connected to.
func (p *Provider) reachable() bool {
	if p.Target == nil {
		return false
	}
	s := p.Target.State()
	return s == cold.Idle || s == cold.Dialing
}
