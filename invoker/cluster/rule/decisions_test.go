package rule

import (
	"encoding/json"
	"net/url"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
)

// decisions is what Java's routers left, and what its configurators changed (e2e/decisions writes it).
type decisions struct {
	By        string
	Consumer  string // a URL
	Host      string // that Java takes for the consumer's where configurators ask
	Providers []string
	Calls     []struct {
		Method      string
		Args        []any
		Attachments map[string]string
	}
	Tags, Conditions []struct {
		Rule    string
		Refused bool
		Left    [][]int // for each call
	}
	Destinations []struct {
		Rule string
		Left [][]int
		Raw  [][]int64 // what ThreadLocalRandom gave for each call
	}
	Configurators []struct {
		Rule    string
		Changed []map[string]string // for each provider
	}

	providers []*cluster.Provider
	invs      []*invoker.Invocation
	consumer  Consumer
}

func javas(t *testing.T) decisions {
	t.Helper()
	b, err := os.ReadFile("testdata/decisions/routers.json")
	if err != nil {
		t.Fatal(err)
	}
	var d decisions
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Tags) == 0 || len(d.Conditions) == 0 || len(d.Destinations) == 0 || len(d.Configurators) == 0 {
		t.Fatalf("decisions by %q are not all there", d.By)
	}
	me := parsed(t, d.Consumer)
	q := me.Query()
	d.consumer = Consumer{Application: q.Get("application"), Host: me.Host, Service: invoker.ServiceKey{Interface: q.Get("interface"), Version: q.Get("version"), Group: q.Get("group")}}
	for _, s := range d.Providers {
		u := parsed(t, s)
		service := map[string]string{"interface": q.Get("interface"), "version": q.Get("version"), "group": q.Get("group")}
		for k, v := range u.Query() {
			service[k] = v[0]
		}
		d.providers = append(d.providers, cluster.NewProvider(cluster.Provider{Address: u.Host, App: "shop", Service: service}))
	}
	for _, c := range d.Calls {
		inv := &invoker.Invocation{Service: d.consumer.Service, Method: c.Method, Args: c.Args}
		for k, v := range c.Attachments {
			inv.Attachments.Set(k, v)
		}
		d.invs = append(d.invs, inv)
	}
	return d
}

func parsed(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// compare routes every call and counts those that lose providers, so that rules that do nothing don't pass for a test.
func (d *decisions) compare(t *testing.T, rule string, routers []cluster.Router, want [][]int) (narrowed int) {
	t.Helper()
	for i, inv := range d.invs {
		var got []int
		for _, p := range through(routers, inv, d.providers) {
			got = append(got, slices.Index(d.providers, p))
		}
		if !slices.Equal(got, want[i]) {
			t.Errorf("%s\n%s%v, attachments %v: %v, in Java %v", rule, inv.Method, inv.Args, d.Calls[i].Attachments, got, want[i])
		}
		if len(want[i]) < len(d.providers) {
			narrowed++
		}
	}
	return narrowed
}

func TestTagsAreJavas(t *testing.T) {
	t.Parallel()
	d := javas(t)
	narrowed := 0
	for _, c := range d.Tags {
		var r Tag
		if c.Rule != "" {
			var err error
			if r, err = ParseTag(c.Rule); c.Refused && err == nil {
				t.Errorf("%s\nis taken, which Java can make nothing of", c.Rule)
			}
			if c.Refused {
				continue
			}
			if err != nil {
				t.Errorf("%s\n%v", c.Rule, err)
				continue
			}
		}
		narrowed += d.compare(t, c.Rule, []cluster.Router{r}, c.Left)
	}
	if narrowed < 1000 {
		t.Errorf("only %d decisions leave some out", narrowed)
	}
}

func TestConditionsAreJavas(t *testing.T) {
	t.Parallel()
	d := javas(t)
	narrowed := 0
	for _, c := range d.Conditions {
		r, err := ParseCondition(c.Rule)
		if err != nil {
			t.Errorf("%s\n%v", c.Rule, err)
			continue
		}
		narrowed += d.compare(t, c.Rule, r.of(d.consumer), c.Left)
	}
	if narrowed < 1000 {
		t.Errorf("only %d decisions leave some out", narrowed)
	}
}

// TestDestinationsAreJavas gives each call what Java's draw gives it (DestinationSet.randDestination, with nextLong(bound) of
// OpenJDK 17), of our shares.
func TestDestinationsAreJavas(t *testing.T) {
	t.Parallel()
	d := javas(t)
	parted := 0
	for _, c := range d.Destinations {
		r, err := ParseCondition(c.Rule)
		if err != nil {
			t.Errorf("%s\n%v", c.Rule, err)
			continue
		}
		for i, inv := range d.invs {
			left, raw := d.providers, c.Raw[i]
			for _, one := range r.of(d.consumer) {
				shares := one.Route(inv, left)
				if left = nil; len(shares) == 1 {
					left = shares[0].Providers
				}
				if len(shares) > 1 {
					left = drawnAsInJava(shares, raw[0])
					raw = raw[1:]
					parted++
				}
				if len(left) == 0 {
					break
				}
			}
			var got []int
			for _, p := range left {
				got = append(got, slices.Index(d.providers, p))
			}
			if !slices.Equal(got, c.Left[i]) {
				t.Errorf("%s\n%s%v, attachments %v: %v, in Java %v", c.Rule, inv.Method, inv.Args, d.Calls[i].Attachments, got, c.Left[i])
			}
		}
	}
	if parted < 500 {
		t.Errorf("only %d calls are parted", parted)
	}
}

func drawnAsInJava(shares []cluster.Share, raw int64) []*cluster.Provider {
	sum := int64(0)
	for _, s := range shares {
		sum += int64(s.Weight)
	}
	offset := int64(uint64(raw)>>1) % sum
	if sum&(sum-1) == 0 {
		offset = raw & (sum - 1)
	}
	for _, s := range shares {
		if offset -= int64(s.Weight); offset <= 0 {
			return s.Providers
		}
	}
	return nil
}

func TestConfiguratorsAreJavas(t *testing.T) {
	t.Parallel()
	d := javas(t)
	d.consumer.Host = d.Host
	changed := 0
	for _, c := range d.Configurators {
		r, err := ParseConfigurator(c.Rule)
		if err != nil {
			t.Errorf("%s\n%v", c.Rule, err)
			continue
		}
		for i, p := range d.providers {
			got := map[string]string{}
			r.of(d.consumer).Apply(p, got)
			if diff := cmp.Diff(c.Changed[i], got); diff != "" {
				t.Errorf("%s\n%s (in Java -, here +): %s", c.Rule, p.Address, diff)
			}
			changed += len(got)
		}
	}
	if changed < 500 {
		t.Errorf("only %d parameters are changed", changed)
	}
}
