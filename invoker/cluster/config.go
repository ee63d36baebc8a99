package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

// Config is what the consumer says of a service. What it leaves open the provider says by what it publishes, and what that
// leaves open has a default. What an operator says by a configurator comes before all.
type Config struct {
	Service     invoker.ServiceKey
	Cluster     string        // failover, failfast, failsafe, failback, forking, broadcast or available. Default: failover
	LoadBalance string        // random, roundrobin, leastactive, shortestresponse, consistenthash or p2c. Default: random
	Timeout     time.Duration // of a call with all its tries. Default: what is published, else 1 s
	TryTimeout  time.Duration // after so long a try of an idempotent method is given up for one elsewhere, while there may be one. Default: never
	Retries     *int          // tries after the first. Default: 2, or what is published if that is more; fewer holds of calls that may have run, unless Idempotent is set
	Countdown   *bool         // providers hold their own calls to the time that is left of a call. Default: what is published, else within a call that came so
	Sticky      bool          // stay with one provider while it takes calls
	Methods     map[string]MethodConfig
	Mock        string       // what is answered in place of calls that fail (fail:…) or of all (force:…), in Java's words. Default: no mock
	Budget      RetryBudget  // bounds the retries of all calls together. Default: no bound
	Log         *slog.Logger // Default: nothing is logged

	// Guard makes what stands before a provider, nil for nothing. It is asked at the first call to each version of a provider; before
	// is the guard of the version before, or nil. It must not call the Cluster.
	Guard func(p *Provider, before Guard) Guard

	// OnTry is told of each try once it has ended, by the goroutine that made it: it must be quick, and safe for concurrent use.
	// nil: nobody is told.
	OnTry func(Try)

	// Trace is called as each try begins, and gives the context and the call to go on with, and what is told of the try's end: nil where nobody
	// wants to know. What it changes of the call it changes in a copy, since other tries may be under way. A zero begun is this moment; of a provider that
	// can't be connected to it is told once that is known, with the time when it was tried. It must be quick, and safe for concurrent use. nil: nothing is traced.
	Trace func(ctx context.Context, p *Provider, inv *invoker.Invocation, begun time.Time) (context.Context, *invoker.Invocation, func(error))
}

// MethodConfig is what the consumer says of one method; what it leaves open Config says.
type MethodConfig struct {
	Cluster       string
	LoadBalance   string
	Timeout       time.Duration
	TryTimeout    time.Duration
	Retries       *int
	Countdown     *bool
	Idempotent    bool // a call may be repeated though it may have run
	Forks         int  // forking: how many are called at once. Default: what is published, else 2
	HashNodes     int  // consistenthash: places on the ring for each provider. Default: what is published, else 160
	HashArguments []int
	Mock          string // as Config.Mock
}

// RetryBudget says whether a call may be tried once more. Safe for concurrent use.
type RetryBudget interface {
	Call()       // a call begins
	Retry() bool // a retry is wanted; false: there have been too many
}

// Validate reports every setting that makes no sense.
func (c Config) Validate() error {
	var faults []error
	check := func(of string, m MethodConfig) {
		if _, ok := strategies()[m.Cluster]; !ok && m.Cluster != "" {
			faults = append(faults, fmt.Errorf("%scluster %q: want one of %s", of, m.Cluster, names(strategies())))
		}
		if _, ok := balances()[m.LoadBalance]; !ok && m.LoadBalance != "" {
			faults = append(faults, fmt.Errorf("%sload balance %q: want one of %s", of, m.LoadBalance, names(balances())))
		}
		if m.Timeout < 0 {
			faults = append(faults, fmt.Errorf("%stimeout %v: want a positive duration, or 0 for what is published", of, m.Timeout))
		}
		if m.TryTimeout < 0 {
			faults = append(faults, fmt.Errorf("%stry timeout %v: want a positive duration, or 0 for none", of, m.TryTimeout))
		}
		if _, err := parseMock(m.Mock); err != nil {
			faults = append(faults, fmt.Errorf("%smock %q: %w", of, m.Mock, err))
		}
		if m.Retries != nil && (*m.Retries < 0 || *m.Retries > maxRetries) {
			faults = append(faults, fmt.Errorf("%sretries %d: want 0 to %d", of, *m.Retries, maxRetries))
		}
		if m.Forks < 0 || m.HashNodes < 0 || m.HashNodes > maxHashNodes {
			faults = append(faults, fmt.Errorf("%sforks %d, hash nodes %d: want 0 or more, hash nodes up to %d", of, m.Forks, m.HashNodes, maxHashNodes))
		}
	}
	check("", MethodConfig{Cluster: c.Cluster, LoadBalance: c.LoadBalance, Timeout: c.Timeout, TryTimeout: c.TryTimeout, Retries: c.Retries, Mock: c.Mock})
	for _, name := range slices.Sorted(maps.Keys(c.Methods)) {
		check("method "+name+": ", c.Methods[name])
	}
	return errors.Join(faults...)
}

func names[T any](m map[string]T) string { return strings.Join(slices.Sorted(maps.Keys(m)), ", ") }

const (
	maxRetries     = 100
	maxHashNodes   = 4096
	defaultTimeout = time.Second
	defaultRetries = 2
	defaultForks   = 2
	defaultNodes   = 160
	failbackTries  = 3   // Java: DEFAULT_FAILBACK_TIMES
	failbackTasks  = 100 // Java: DEFAULT_FAILBACK_TASKS
	maxTasks       = 10000
)

// settings are what holds for a method of the service, with the providers that there are now.
type settings struct {
	timeout       time.Duration
	tryTimeout    time.Duration // 0: none
	tries         int           // in all
	repeats       int           // of them, those after one that may have run
	idempotent    bool
	countdown     invoker.Countdown
	sticky        bool
	forks         int
	failPercent   int
	hashNodes     int
	hashArguments []int
	inTurn        bool // choose is roundrobin
	onRing        bool // choose is consistenthash
	mock          *mock
	backTries     int // failback: tries after the first
	backTasks     int // failback: calls that may wait
	choose        balance
	run           strategy
}

// settle works out the settings of a method. What providers publish is taken from the first, as Java does.
func (c *Config) settle(method string, providers []*Provider) settings {
	p := &Provider{}
	if len(providers) > 0 {
		p = providers[0]
	}
	m := c.Methods[method]
	operator, provider := &Provider{Override: p.Override}, &Provider{Instance: p.Instance, Service: p.Service}
	// say gives the operator's word, else the consumer's, else the provider's, else the default.
	say := func(key, mine, otherwise string) string {
		return cmp.Or(operator.MethodParam(method, key), mine, provider.MethodParam(method, key), otherwise)
	}
	whole := func(key string, mine *int, otherwise int) int {
		text := ""
		if mine != nil {
			text = strconv.Itoa(*mine)
		}
		return number(say(key, text, ""), otherwise)
	}
	positive := func(n int) *int {
		if n == 0 {
			return nil
		}
		return &n
	}
	s := settings{
		idempotent:  m.Idempotent || say("idempotent", "", "") == "true",
		sticky:      c.Sticky || say("sticky", "", "") == "true",
		forks:       whole("forks", positive(m.Forks), defaultForks),
		failPercent: whole("broadcast.fail.percent", nil, 100),
		hashNodes:   min(maxHashNodes, max(4, whole("hash.nodes", positive(m.HashNodes), defaultNodes))),
	}
	millis := func(of *Provider) time.Duration {
		return time.Duration(min(math.MaxInt32, max(0, number(of.MethodParam(method, "timeout"), 0)))) * time.Millisecond // Java: an int
	}
	s.timeout = cmp.Or(millis(operator), m.Timeout, c.Timeout, millis(provider), defaultTimeout)
	s.countdown = countdown(cmp.Or(m.Countdown, c.Countdown), func(mine string) string { return say("enable-timeout-countdown", mine, "") })
	s.tryTimeout = cmp.Or(m.TryTimeout, c.TryTimeout)
	retries := cmp.Or(m.Retries, c.Retries)
	asked := retries != nil || operator.MethodParam(method, "retries") != ""
	s.try(min(maxRetries, max(0, whole("retries", retries, defaultRetries))), asked, m.Idempotent)
	if s.backTries = whole("retries", retries, failbackTries); s.backTries < 0 {
		s.backTries = failbackTries
	}
	if s.backTasks = whole("failbacktasks", nil, failbackTasks); s.backTasks <= 0 {
		s.backTasks = failbackTasks
	}
	s.backTries, s.backTasks = min(maxRetries, s.backTries), min(maxTasks, s.backTasks)
	balancer := say("loadbalance", cmp.Or(m.LoadBalance, c.LoadBalance), "random")
	s.inTurn, s.onRing = balancer == "roundrobin", balancer == "consistenthash"
	s.run, s.choose = c.named(say("cluster", cmp.Or(m.Cluster, c.Cluster), "failover"), balancer)
	s.mock = c.mocked(cmp.Or(operator.MethodParam(method, "mock"), m.Mock, c.Mock))
	s.hashArguments = m.HashArguments
	if s.hashArguments == nil {
		for part := range strings.SplitSeq(say("hash.arguments", "", "0"), ",") {
			s.hashArguments = append(s.hashArguments, number(part, -1))
		}
	}
	return s
}

// try sets how often a call is tried after the first time, as somebody asked for on this side, or as is published. The latter is meant for
// those who would repeat what may have run: what did not is tried elsewhere all the same, and so is what the consumer calls idempotent.
func (s *settings) try(retries int, asked, idempotent bool) {
	s.tries, s.repeats = 1+retries, retries
	if asked {
		return
	}
	s.tries = 1 + max(retries, defaultRetries)
	if idempotent {
		s.repeats = s.tries - 1
	}
}

// countdown makes one of the consumer's word, which say weighs against the operator's and the provider's.
func countdown(mine *bool, say func(mine string) string) invoker.Countdown {
	text := ""
	if mine != nil {
		text = strconv.FormatBool(*mine)
	}
	switch text = say(text); {
	case text == "":
		return invoker.CountdownInherited
	case strings.EqualFold(text, "true"):
		return invoker.CountdownOn
	default:
		return invoker.CountdownOff
	}
}

// named gives what the names stand for; the defaults where an operator or provider gave a name that nobody knows.
func (c *Config) named(cluster, loadBalance string) (strategy, balance) {
	run, ok := strategies()[cluster]
	if !ok {
		c.Log.Warn("cluster: unknown cluster strategy; failover holds", "service", c.Service, "cluster", cluster, "known", names(strategies()))
		run = failover
	}
	choose, ok := balances()[loadBalance]
	if !ok {
		c.Log.Warn("cluster: unknown load balance; random holds", "service", c.Service, "loadbalance", loadBalance, "known", names(balances()))
		choose = byWeight
	}
	return run, choose
}
