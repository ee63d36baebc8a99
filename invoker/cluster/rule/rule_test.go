package rule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// provider makes one at 10.0.0.N:2088N.
func provider(n int, params ...string) *cluster.Provider {
	p := cluster.Provider{Address: fmt.Sprintf("10.0.0.%d:2088%d", n, n), App: "shop", Service: map[string]string{}}
	for i := 0; i < len(params); i += 2 {
		p.Service[params[i]] = params[i+1]
	}
	return cluster.NewProvider(p)
}

// numbers gives the last part of each address.
func numbers(all []*cluster.Provider) string {
	var s []string
	for _, p := range all {
		host, _, _ := strings.Cut(p.Address, ":")
		s = append(s, host[strings.LastIndexByte(host, '.')+1:])
	}
	return strings.Join(s, ",")
}

func call(method string, args []any, attachments ...string) *invoker.Invocation {
	inv := &invoker.Invocation{Service: invoker.ServiceKey{Interface: "org.example.Users"}, Method: method, Args: args}
	for i := 0; i < len(attachments); i += 2 {
		inv.Attachments.Set(attachments[i], attachments[i+1])
	}
	return inv
}

// through gives who is left behind all routers, none of which parts the calls.
func through(routers []cluster.Router, inv *invoker.Invocation, left []*cluster.Provider) []*cluster.Provider {
	for _, r := range routers {
		switch shares := r.Route(inv, left); len(shares) {
		case 0:
			return nil
		case 1:
			left = shares[0].Providers
		default:
			panic("the calls are parted")
		}
	}
	return left
}

func TestTagsDecideAsInJava(t *testing.T) {
	t.Parallel()
	all := []*cluster.Provider{provider(1), provider(2, "dubbo.tag", "gray"), provider(3), provider(4, "dubbo.tag", "blue", "zone", "hz")}
	byAddress := "configVersion: v3.0\nkey: shop\ntags:\n- name: gray\n  addresses: [\"10.0.0.3:20883\"]\n- name: empty\n  addresses: [\"10.9.9.9\"]\n"
	byParam := "configVersion: v3.0\nkey: shop\ntags:\n- name: near\n  match:\n  - key: zone\n    value:\n      exact: hz\n"
	for name, c := range map[string]struct {
		rule        string
		attachments []string
		want        string
	}{
		"no rule, no tag":                        {"", nil, "1,3"},
		"no rule, a tag":                         {"", []string{"dubbo.tag", "gray"}, "2"},
		"no rule, a tag that nobody has":         {"", []string{"dubbo.tag", "red"}, "1,3"},
		"no rule, and it insists":                {"", []string{"dubbo.tag", "red", "dubbo.force.tag", "true"}, ""},
		"a rule by address":                      {byAddress, []string{"dubbo.tag", "gray"}, "3"},
		"a rule, no tag":                         {byAddress, nil, "1"},
		"a rule, a tag of the providers' own":    {byAddress, []string{"dubbo.tag", "blue"}, "4"},
		"a rule whose addresses are not there":   {byAddress, []string{"dubbo.tag", "empty"}, "1"},
		"the same, forced by the rule":           {"force: true\n" + byAddress, []string{"dubbo.tag", "empty"}, ""},
		"a rule by what is published":            {byParam, []string{"dubbo.tag", "near"}, "4"},
		"a rule by what is published, no tag":    {byParam, nil, "1,3"},
		"a rule that is off":                     {"enabled: false\n" + byAddress, []string{"dubbo.tag", "gray"}, "2"},
		"a rule of 2.7 knows no match, only its": {strings.Replace(byParam, "v3.0", "v2.7", 1), []string{"dubbo.tag", "near"}, "1,3"},
	} {
		var r Tag
		if c.rule != "" {
			var err error
			if r, err = ParseTag(c.rule); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
		}
		if got := numbers(r.left(call("get", nil, c.attachments...), all)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestKeysOfTagsTellCallsApart: what is routed otherwise has another key.
func TestKeysOfTagsTellCallsApart(t *testing.T) {
	t.Parallel()
	all := []*cluster.Provider{provider(1), provider(2, "dubbo.tag", "gray"), provider(3, "dubbo.tag", "gray!")}
	routes := map[string]string{}
	for _, tag := range []string{"", "gray", "gray!", "red", "red!"} {
		for _, force := range []string{"", "true", "TRUE", "false"} {
			inv := call("get", nil, "dubbo.tag", tag, "dubbo.force.tag", force)
			key, got := string(Tag{}.AppendKey(nil, inv)), numbers(Tag{}.left(inv, all))
			if before, ok := routes[key]; ok && before != got {
				t.Errorf("key %q is routed to %q and to %q", key, before, got)
			}
			routes[key] = got
		}
	}
}

func TestConditionsDecideAsInJava(t *testing.T) {
	t.Parallel()
	all := []*cluster.Provider{provider(1, "region", "hangzhou"), provider(2, "region", "hangzhou", "env", "gray"), provider(3, "region", "beijing")}
	consumer := Consumer{Application: "orders", Host: "10.0.0.2", Service: invoker.ServiceKey{Interface: "org.example.Users"}}
	for name, c := range map[string]struct {
		line  string
		force bool
		call  *invoker.Invocation
		want  string
	}{
		"a method":                         {"method=get => region=hangzhou", false, call("get", nil), "1,2"},
		"another method":                   {"method=get => region=hangzhou", false, call("set", nil), "1,2,3"},
		"several values, a pattern":        {"method=find*,get => region=beijing", false, call("findAll", nil), "3"},
		"not":                              {"method!=get => region=beijing", false, call("set", nil), "3"},
		"no left side":                     {"=> env=gray", false, call("get", nil), "2"},
		"only a right side":                {"env=gray", false, call("get", nil), "2"},
		"a right side that nobody is":      {"=> env=red", false, call("get", nil), "1,2,3"},
		"the same, forced":                 {"=> env=red", true, call("get", nil), ""},
		"an empty right side":              {"method=get => ", false, call("get", nil), ""},
		"two keys":                         {"=> region=hangzhou&env!=gray", true, call("get", nil), ""}, // a missing key matches nothing, != neither
		"an argument":                      {"arguments[0]=a => region=beijing", false, call("get", []any{"a"}), "3"},
		"an argument that differs":         {"arguments[0]=a => region=beijing", false, call("get", []any{"b"}), "1,2,3"},
		"a number's range":                 {"arguments[0]=1~10 => region=beijing", false, call("get", []any{int32(7)}), "3"},
		"outside the range":                {"arguments[0]=1~10 => region=beijing", false, call("get", []any{int32(11)}), "1,2,3"},
		"an attachment":                    {"attachments[user]=ada => env=gray", false, call("get", nil, "user", "ada"), "2"},
		"no such attachment":               {"attachments[user]=ada => env=gray", false, call("get", nil), "1,2,3"},
		"the consumer":                     {"application=orders => region=beijing", false, call("get", nil), "3"},
		"the consumer's host, and another": {"host=10.0.0.9 => region=beijing", false, call("get", nil), "1,2,3"},
		"a provider's address":             {"=> address=*:20881", false, call("get", nil), "1"},
		"a provider's host is mine":        {"=> host=$host", false, call("get", nil), "2"},
		"a generic call's own method":      {"method=get => env=gray", false, call("$invoke", []any{"get", []string{}, []any{}}), "2"},
	} {
		doc := fmt.Sprintf("configVersion: v3.0\nscope: service\nforce: %v\nkey: org.example.Users\nconditions:\n- %q\n", c.force, c.line)
		r, err := ParseCondition(doc)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := numbers(through(r.of(consumer), c.call, all)); got != c.want {
			t.Errorf("%s (%s): %q, want %q", name, c.line, got, c.want)
		}
	}
}

// TestEqualKeysAreRoutedAlike: a route is kept by its key, so calls that are routed otherwise must have other keys.
func TestEqualKeysAreRoutedAlike(t *testing.T) {
	t.Parallel()
	all := []*cluster.Provider{provider(1, "region", "a"), provider(2, "region", "b")}
	r, err := ParseCondition("conditions:\n- method=get&arguments[0]=x => region=a\n- attachments[k]=v => region=b\n")
	if err != nil {
		t.Fatal(err)
	}
	routes := map[string]string{}
	for _, method := range []string{"get", "set", ""} {
		for _, arg := range [][]any{nil, {"x"}, {""}, {nil}, {"null"}, {"y"}, {"x\x02\x00v"}} {
			for _, k := range [][]string{nil, {"k", "v"}, {"k", ""}, {"k", "v\x02\x00v"}, {"k", "\x01v"}} {
				inv := call(method, arg, k...)
				var key string
				for _, one := range r.of(Consumer{}) {
					key = string(append(one.AppendKey([]byte(key), inv), 0))
				}
				got := numbers(through(r.of(Consumer{}), inv, all))
				if before, ok := routes[key]; ok && before != got {
					t.Errorf("key %q is routed to %q and to %q", key, before, got)
				}
				routes[key] = got
			}
		}
	}
}

func TestConfiguratorsChangeWhatTheyAreMeantFor(t *testing.T) {
	t.Parallel()
	me := Consumer{Application: "orders", Host: "10.1.1.1", Service: invoker.ServiceKey{Interface: "org.example.Users", Version: "1.0", Group: "g"}}
	p := provider(1, "zone", "hz")
	service := func(rest string) string {
		return "configVersion: v2.7\nscope: service\nkey: g/org.example.Users:1.0\nconfigs:\n- side: consumer\n" + rest + "  parameters:\n    timeout: 900\n    weight: \"50\"\n"
	}
	both := map[string]string{"timeout": "900", "weight": "50"}
	for name, c := range map[string]struct {
		doc  string
		want map[string]string
	}{
		"a service":              {service(""), both},
		"another service":        {strings.Replace(service(""), "Users", "Other", 1), map[string]string{}},
		"another version":        {strings.Replace(service(""), ":1.0", ":2.0", 1), map[string]string{}},
		"the provider's side":    {strings.Replace(service(""), "consumer", "provider", 1), map[string]string{}},
		"no side":                {strings.Replace(service(""), "- side: consumer\n", "- enabled: true\n", 1), map[string]string{}},
		"this provider":          {service("  providerAddresses: [\"10.0.0.1:20881\"]\n"), both},
		"another provider":       {service("  providerAddresses: [\"10.0.0.2:20881\"]\n"), map[string]string{}},
		"any provider's port":    {service("  providerAddresses: [\"0.0.0.0:20881\"]\n"), both},
		"this consumer":          {service("  addresses: [\"10.1.1.1\"]\n"), both},
		"another consumer":       {service("  addresses: [\"10.1.1.2\"]\n"), map[string]string{}},
		"any consumer":           {service("  addresses: [\"0.0.0.0\"]\n"), both},
		"an application":         {service("  applications: [orders]\n"), both},
		"another application":    {service("  applications: [mall]\n"), map[string]string{}},
		"off":                    {"enabled: false\n" + service(""), map[string]string{}},
		"off, of itself":         {service("  type: weight\n  enabled: false\n"), map[string]string{}},
		"the application's":      {"scope: application\nkey: orders\nconfigs:\n- side: consumer\n  parameters: {disabled: true}\n", map[string]string{"disabled": "true"}},
		"another application's":  {"scope: application\nkey: mall\nconfigs:\n- side: consumer\n  parameters: {disabled: true}\n", map[string]string{}},
		"by what is published":   {strings.Replace(service("  match:\n    param:\n    - key: zone\n      value: {exact: hz}\n"), "v2.7", "v3.0", 1), both},
		"by what others publish": {strings.Replace(service("  match:\n    param:\n    - key: zone\n      value: {exact: bj}\n"), "v2.7", "v3.0", 1), map[string]string{}},
		"by application":         {strings.Replace(service("  match:\n    application:\n      oneof:\n      - {prefix: ord}\n"), "v2.7", "v3.0", 1), both},
	} {
		r, err := ParseConfigurator(c.doc)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := map[string]string{}
		r.of(me).Apply(p, got)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestBadDocumentsAreRefusedWithEveryFault(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		parse func(string) error
		doc   string
		want  []string
	}{
		"no YAML":                    {tagError, "tags: [\n- x: {", []string{"not the YAML"}},
		"a wrong type":               {tagError, "tags: 5", []string{"not the YAML"}},
		"faults in tags":             {tagError, "tags:\n- addresses: [\"10.0.0.0/99\", \"\"]\n- name: x\n  match:\n  - value: {regex: \"(\"}\n  - key: k\n    value: {regex: \"(\"}\n", []string{"tag 1", "want a name", "10.0.0.0/99", "match 1", "want a key", "regex \"(\""}},
		"too many keys":              {tagError, "tags:\n" + strings.Repeat("- {name: a, addresses: [b]}\n", 2100), []string{"keys", "limit 4096"}},
		"another version":            {conditionError, "configVersion: v3.2\nconditions: []", []string{`configVersion "v3.2"`, "v3.0", "v3.1"}},
		"faults in destinations":     {conditionError, "configVersion: v3.1\nconditions:\n- from: {match: '=x'}\n  to: [{match: 'arguments[x]=1'}]\n- to: [" + strings.Repeat("{weight: 1},", 65) + "]\n", []string{"condition 1", `from "=x"`, "before any key", "arguments[0]", "condition 2", "limit 64"}},
		"faults in lines":            {conditionError, "conditions:\n- '=x => y=z'\n- 'a=b => c=d,=e'\n- 'arguments[x]=1 => a=b'\n- ''\n", []string{"condition 1", "condition 2", "condition 3", "arguments[0]", "condition 4"}},
		"faults in configs":          {configuratorError, "scope: x\nconfigs:\n- side: both\n- parameters: {a: [1]}\n", []string{`scope "x"`, "no key", "config 1", `side "both"`, "no parameters", "config 2", "parameter a"}},
		"an empty tag":               {tagError, "configVersion: v3.0\ntags:\n- name: gray\n", []string{`tag 1 ("gray")`, "addresses or match"}},
		"a network that none is in":  {configuratorError, "key: a\nconfigs:\n- side: consumer\n  parameters: {a: 1}\n  match: {providerAddress: {cird: 10.0.0.0/8}}\n", []string{"10.0.0.0/8", "wildcard"}},
		"faults in steps":            {migrationError, "step: NOW\ninterfaces:\n- step: LATER\n- serviceKey: a.B\n  step: FORCE_INTERFACE\napplications:\n- serviceKey: shop\n  step: apps\n", []string{`step "NOW"`, "APPLICATION_FIRST", "interfaces 1", "no serviceKey", `interfaces 1: step "LATER"`, `applications 1: step "apps"`}},
		"a parameter without value":  {configuratorError, "key: a\nconfigs:\n- side: consumer\n  parameters: {token: , timeout: 5}\n", []string{"config 1", "parameter token", "no value"}},
		"2.6's":                      {configuratorError, `["override://0.0.0.0/x?timeout=1"]`, []string{"override://", "v2.7"}},
		"aliases, which may":         {tagError, "a: &a [x]\nb: [*a,*a]\ntags: []", []string{"line 1", "anchors"}},
		"too deep":                   {tagError, "tags: " + strings.Repeat("[", 100000), []string{"deeper"}},
		"deep in a line":             {tagError, "tags:\n" + strings.Repeat("- ", 2000) + "x", []string{"line 2", "deeper"}},
		"keys in a line":             {tagError, strings.Repeat("a: ", 2000), []string{"line 1", "deeper"}},
		"an empty match":             {configuratorError, "configVersion: v3.0\nkey: a\nconfigs:\n- side: consumer\n  parameters: {a: 1}\n  match: {service: {oneof: [null]}}\n", []string{"config 1", "oneof", "an empty entry"}},
		"a weight that no int holds": {conditionError, "configVersion: v3.1\nconditions:\n- to: [{weight: 9223372036854775807}]\n", []string{"condition 1", "weight 9223372036854775807", "2147483647"}},
		"too long":                   {tagError, strings.Repeat("#\n", maxBytes), []string{"limit"}},
	} {
		err := c.parse(c.doc)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v lacks %q", name, err, want)
			}
		}
	}
}

func tagError(s string) error          { _, err := ParseTag(s); return err }
func conditionError(s string) error    { _, err := ParseCondition(s); return err }
func migrationError(s string) error    { _, err := ParseMigration(s); return err }
func configuratorError(s string) error { _, err := ParseConfigurator(s); return err }

// center is a config centre that the test writes in.
type center struct {
	mu      sync.Mutex
	docs    map[string]string
	changed chan struct{}
	broken  error
}

func (c *center) set(key, doc string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.docs[key] = doc
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *center) WatchRule(ctx context.Context, group, key string, each func(string)) error {
	if migrates := strings.HasSuffix(key, ".migration"); group != "dubbo" && !migrates || group != "DUBBO_SERVICEDISCOVERY_MIGRATION" && migrates {
		return fmt.Errorf("rule %s in group %s", key, group)
	}
	last := "\x00"
	for {
		c.mu.Lock()
		doc, changed, broken := c.docs[key], c.changed, c.broken
		c.mu.Unlock()
		if broken != nil {
			return broken
		}
		if doc != last {
			each(doc)
			last = doc
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

func TestWatchKeepsTheLastGoodRule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &center{docs: map[string]string{}, changed: make(chan struct{})}
		var mu sync.Mutex
		var now Set
		me := Consumer{Application: "orders", Service: invoker.ServiceKey{Interface: "org.example.Users"}}
		w := NewWatch(t.Context(), c, me, slog.New(slog.DiscardHandler), func(s Set) { mu.Lock(); now = s; mu.Unlock() })
		all := []*cluster.Provider{provider(1), provider(2, "dubbo.tag", "gray")}
		routed := func() string {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return numbers(through(now.Routers, call("get", nil), all)) + fmt.Sprint(now.Override(all[0]))
		}
		if err := w.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		step := func(what, want string) {
			t.Helper()
			if got := routed(); got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		step("no rule", "1map[]")
		c.set("org.example.Users::.configurators", "key: org.example.Users\nconfigs:\n- side: consumer\n  parameters: {timeout: 5}\n")
		step("the service's configurator", "1map[timeout:5]")
		c.set("orders.configurators", "scope: application\nkey: orders\nconfigs:\n- side: consumer\n  parameters: {timeout: 6, retries: 1}\n")
		step("the application's too, which the service's wins over", "1map[retries:1 timeout:5]")
		c.set("org.example.Users::.configurators", "configs: nonsense")
		step("nonsense", "1map[retries:1 timeout:5]")
		if err := w.Faults()["org.example.Users::.configurators"]; err == nil {
			t.Error("the fault is not told")
		}
		c.set("org.example.Users::.configurators", "")
		step("taken away", "1map[retries:1 timeout:6]")
		w.SetApps([]string{"shop"})
		c.set("shop.tag-router", "tags:\n- name: x\n  addresses: [\"10.0.0.1\"]\n")
		step("the provider's tags", "map[retries:1 timeout:6]")
		c.set("shop.tag-router", "tags: nonsense")
		routed()
		w.SetApps([]string{"mall"})
		if n := len(w.Faults()); n != 0 {
			t.Errorf("%d faults, of an application that offers the service no more", n)
		}
		step("another application offers it", "1map[retries:1 timeout:6]")
		c.set("org.example.Users::.condition-router", "force: true\nconditions: ['=> a=b']")
		step("a condition that leaves none", "map[retries:1 timeout:6]")
		for _, m := range []struct{ doc, want string }{
			{"key: orders\nstep: FORCE_INTERFACE\nthreshold: 0.5\n", "FORCE_INTERFACE"},
			{"step: FORCE_INTERFACE\napplications:\n- {serviceKey: mall, step: FORCE_APPLICATION}\n- {serviceKey: shop, step: APPLICATION_FIRST}\n", "FORCE_APPLICATION"},
			{"step: FORCE_INTERFACE\ninterfaces:\n- {serviceKey: org.example.Users, step: APPLICATION_FIRST}\napplications:\n- {serviceKey: mall, step: FORCE_APPLICATION}\n", "APPLICATION_FIRST"},
			{"step: soon\n", "APPLICATION_FIRST"},
			{"interfaces:\n- {serviceKey: 'org.example.Users:1.0', step: FORCE_INTERFACE}\n", ""},
			{"", ""},
		} {
			c.set("orders.migration", m.doc)
			routed()
			if now.Migration != m.want {
				t.Errorf("migration %q: step %q, want %q", m.doc, now.Migration, m.want)
			}
		}
		if err := errors.Join(w.Close(), w.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestWatchOutlivesItsCenter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &center{docs: map[string]string{"orders.condition-router": "conditions: ['=> ']"}, changed: make(chan struct{}), broken: errors.New("connection refused")}
		var mu sync.Mutex
		var now Set
		w := NewWatch(t.Context(), c, Consumer{Application: "orders", Service: invoker.ServiceKey{Interface: "a.B"}}, slog.New(slog.DiscardHandler), func(s Set) { mu.Lock(); now = s; mu.Unlock() })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.Ready(ctx); err != nil {
			t.Errorf("Ready: %v; a center that says no is an answer", err)
		}
		c.mu.Lock()
		c.broken = nil
		c.mu.Unlock()
		time.Sleep(time.Minute)
		mu.Lock()
		n := len(now.Routers)
		mu.Unlock()
		if n != 2 {
			t.Errorf("%d routers once the center is back, want the tags and the condition", n)
		}
		_ = w.Close()
	})
}

// TestKeysOfSeveralValuesDontMix: two values of a call are told apart wherever one ends.
func TestKeysOfSeveralValuesDontMix(t *testing.T) {
	t.Parallel()
	r, err := ParseCondition("conditions:\n- arguments[0]=x&arguments[1]=y => region=a\n")
	if err != nil {
		t.Fatal(err)
	}
	one := r.of(Consumer{})[0]
	if a, b := one.AppendKey(nil, call("get", []any{"x", "y\x02z"})), one.AppendKey(nil, call("get", []any{"x\x02y", "z"})); string(a) == string(b) {
		t.Errorf("both have the key %q", a)
	}
}

// TestAWatchThatHeldForLongBeginsAgainSoon: the pauses grow while a config center fails, and are short again after it did not.
func TestAWatchThatHeldForLongBeginsAgainSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &center{docs: map[string]string{}, changed: make(chan struct{})}
		var mu sync.Mutex
		var now Set
		w := NewWatch(t.Context(), c, Consumer{Service: invoker.ServiceKey{Interface: "a.B"}}, slog.New(slog.DiscardHandler), func(s Set) { mu.Lock(); now = s; mu.Unlock() })
		fail := func(err error) {
			c.mu.Lock()
			c.broken = err
			c.mu.Unlock()
			c.set("", "")
		}
		for range 12 {
			fail(errors.New("connection refused"))
			synctest.Wait()
			fail(nil)
			time.Sleep(time.Hour)
		}
		fail(errors.New("connection refused"))
		synctest.Wait()
		fail(nil)
		c.set("a.B::.condition-router", "conditions: ['=> ']")
		time.Sleep(time.Second)
		mu.Lock()
		if len(now.Routers) != 2 {
			t.Errorf("%d routers a second after a short fault, want the tags and the condition", len(now.Routers))
		}
		mu.Unlock()
		_ = w.Close()
	})
}

func FuzzRules(f *testing.F) {
	for _, s := range []string{"tags:\n- name: a\n  addresses: [\"10.0.0.1-9\"]\n", "conditions:\n- method=get&arguments[0]=1~5 => address=*:2088*,$host\n", "key: a.B\nconfigs:\n- side: consumer\n  parameters: {timeout: 5}\n",
		"configVersion: v3.1\nconditions:\n- from: {match: method=get}\n  to: [{match: address=*, weight: 3}, {match: host=$host}]\n"} {
		f.Add(s)
	}
	all := []*cluster.Provider{provider(1, "dubbo.tag", "gray"), provider(2)}
	f.Fuzz(func(t *testing.T, doc string) {
		inv := call("get", []any{"1", nil}, "dubbo.tag", "a")
		if r, err := ParseTag(doc); err == nil && len(r.left(inv, all)) > len(all) {
			t.Error("more providers than there were")
		}
		if r, err := ParseCondition(doc); err == nil {
			for _, one := range r.of(Consumer{Application: "x"}) {
				one.AppendKey(nil, inv)
				for _, share := range one.Route(inv, all) {
					if n := len(share.Providers); n == 0 || n > len(all) || share.Weight < 1 {
						t.Errorf("a share of %d providers, weight %d", n, share.Weight)
					}
				}
			}
		}
		if m, err := ParseMigration(doc); err == nil {
			switch s := m.of(Consumer{Application: "x"}, []string{"shop"}); s {
			case "", "APPLICATION_FIRST", "FORCE_APPLICATION", "FORCE_INTERFACE":
			default:
				t.Errorf("step %q", s)
			}
		}
		if r, err := ParseConfigurator(doc); err == nil {
			r.Apply(all[0], map[string]string{})
		}
	})
}
