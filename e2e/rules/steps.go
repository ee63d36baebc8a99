package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	typesInterface = "org.fixture.dubbo.TypesService"
	serviceKey     = typesInterface + "::"
)

// step is a rule that is written, and what consumers do then.
type step struct {
	title    string
	key, doc string        // "" deletes; no key: nothing is written
	hold     time.Duration // before anything is asked, where nothing is to change
	goOnly   bool          // Java can't: it takes 127.0.0.1 for no IPv4 address where it compares a tag's addresses
	expect   []expectation
}

// expectation is a question and what answers will do.
type expectation struct {
	ask, want string
	good      func(answer string) bool
}

// who expects 40 calls with these attachments to be answered by all of some providers, and by no other.
func who(providers string, attachments ...string) expectation {
	want := strings.Fields(providers)
	return expectation{ask: strings.Join(append([]string{"who 40"}, attachments...), " "), want: providers, good: func(answer string) bool {
		var by []string
		for name := range counts(answer) {
			by = append(by, name)
		}
		slices.Sort(by)
		return slices.Equal(by, want)
	}}
}

// share expects that of 300 calls one of two providers answers a part, in percent, between the two bounds.
func share(provider, other string, from, to int) expectation {
	return expectation{ask: "who 300", want: fmt.Sprintf("%s %d to %d %%", provider, from, to), good: func(answer string) bool {
		n := counts(answer)
		part := n[provider] * 100 / 300
		return len(n) == 2 && n[other] > 0 && part >= from && part <= to
	}}
}

// port is the first provider's.
func port() int {
	n, err := strconv.Atoi(os.Getenv("E2E_PORT"))
	if err != nil {
		return 28880
	}
	return n
}

// takes expects a call of 800 ms to end like this.
func takes(how string) expectation {
	return expectation{ask: "sleep 800", want: how, good: func(answer string) bool { return answer == how }}
}

func counts(answer string) map[string]int {
	all := map[string]int{}
	words := strings.Fields(answer)
	for _, w := range words[min(1, len(words)):] {
		name, n, _ := strings.Cut(w, "=")
		all[name], _ = strconv.Atoi(n)
	}
	return all
}

const (
	gray  = "dubbo.tag=gray"
	red   = "dubbo.tag=red"
	force = "dubbo.force.tag=true"
)

// steps are the rules, each of which is taken away again.
func steps() []step {
	none := []expectation{who("a c"), who("b", gray), who("none", red, force)}
	conditions, configurators, tags := serviceKey+".condition-router", serviceKey+".configurators", "shop.tag-router"
	address := func(n int) string { return fmt.Sprintf("127.0.0.1:%d", port()+n) }
	return []step{
		{title: "no rule", expect: none},
		{title: "tags by address", goOnly: true, key: tags, doc: "configVersion: v3.0\nkey: shop\ntags:\n- name: red\n  addresses: ['" + address(0) + "']\n",
			expect: []expectation{who("c"), who("a", red), who("b", gray), who("a", "dubbo.tag=red|blue")}},
		{title: "tags by what is published", goOnly: true, key: tags, doc: "configVersion: v3.0\nkey: shop\ntags:\n- name: red\n  match:\n  - key: zone\n    value: {exact: bj}\n",
			expect: []expectation{who("a"), who("c", red)}},
		{title: "no tags again", key: tags, expect: none},
		{title: "a condition of the service", key: conditions, doc: "configVersion: v3.0\nscope: service\nforce: true\nkey: " + typesInterface + "\nconditions:\n- method=whoami => zone=bj\n",
			expect: []expectation{who("c")}},
		{title: "nonsense: the last good rule holds", key: conditions, doc: "conditions: {what: [is this", hold: 2 * time.Second, expect: []expectation{who("c")}},
		{title: "a condition on an attachment", key: conditions, doc: "configVersion: v3.0\nscope: service\nkey: " + typesInterface + "\nconditions:\n- attachments[user]=ada => zone=hz\n",
			expect: []expectation{who("a", "user=ada"), who("a c", "user=bob"), who("a c")}},
		{title: "several destinations (v3.1)", key: conditions, doc: "configVersion: v3.1\nscope: service\nkey: " + typesInterface +
			"\nconditions:\n- from: {match: method=whoami}\n  to:\n  - {match: zone=hz, weight: 80}\n  - {match: zone=bj, weight: 20}\n",
			expect: []expectation{share("a", "c", 65, 95)}},
		{title: "no condition again", key: conditions, expect: none},
		{title: "a condition of the consumer's application", key: "orders.condition-router",
			doc: "configVersion: v3.0\nscope: application\nforce: true\nkey: orders\nconditions:\n- => zone=hz\n", expect: []expectation{who("a")}},
		{title: "none of the application", key: "orders.condition-router", expect: none},
		{title: "a weight", key: configurators, doc: "configVersion: v3.0\nscope: service\nkey: " + typesInterface + "\nconfigs:\n- side: consumer\n  providerAddresses: ['" + address(0) + "']\n  parameters: {weight: 900}\n",
			expect: []expectation{share("a", "c", 80, 98)}},
		{title: "a timeout", key: configurators, doc: "configVersion: v3.0\nscope: service\nkey: " + typesInterface + "\nconfigs:\n- side: consumer\n  parameters: {timeout: 300}\n",
			expect: []expectation{takes("timeout"), who("a c")}},
		{title: "a timeout of one method", key: configurators, doc: "configVersion: v3.0\nscope: service\nkey: " + typesInterface + "\nconfigs:\n- side: consumer\n  parameters: {sleep.timeout: 4000, timeout: 300}\n",
			expect: []expectation{takes("ok")}},
		{title: "no configurator again", key: configurators, expect: append(none, takes("ok"))},
		{title: "a configurator of the consumer's application", key: "orders.configurators",
			doc: "configVersion: v3.0\nscope: application\nkey: orders\nconfigs:\n- side: consumer\n  parameters: {timeout: 300}\n", expect: []expectation{takes("timeout")}},
		{title: "none again", key: "orders.configurators", expect: append(none, takes("ok"))},
	}
}
