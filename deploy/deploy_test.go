package deploy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func greetManifest(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/greet.json") // what examples/functions/greet prints
	if err != nil {
		t.Fatal(err)
	}
	return text
}

type yamler interface{ YAML() ([]byte, error) }

// The files are also what e2e/knative/serving holds against Knative's own types, and the lab against an API server.
func TestManifestsAreAsTheyWere(t *testing.T) {
	t.Parallel()
	manifests := map[string]yamler{
		"function": Function{Name: "greet", Image: "registry.example.org/greet:v1", Manifest: greetManifest(t)},
		"function-full": Function{
			Name: "greet", Namespace: "shop", Image: "registry.example.org/greet@sha256:" + strings.Repeat("0a", 32), Manifest: greetManifest(t),
			Activator: "activator.example.org:20881", Keeper: "dubbofn-keeper.dubbofn.svc.cluster.local.:20882", TokenSecret: "greet-token",
			Concurrency: 5, Target: 5, MinScale: 0, MaxScale: 8, Timeout: 15 * time.Minute, CPU: "0.5", Memory: "64Mi", MemoryLimit: "128Mi",
			Environment: map[string]string{"DUBBOFN_LOG_FORMAT": "json", "GREETING": "Say \"hello\": {{.Name}} # <b>\n---\nkind: Role"},
		},
		"function-quick":       Function{Name: "greet", Image: "greet:v1", Manifest: greetManifest(t), Activator: "none", Timeout: time.Minute},
		"activator":            Activator{Image: "registry.example.org/dubbofn:v1", Registry: "nacos://nacos.example.org:8848"},
		"activator-namespaces": Activator{Image: "dubbofn:v1", RegistrySecret: "registry", Namespace: "front", Namespaces: []string{"shop", "bank", "shop"}, Replicas: 1, Host: "203.0.113.7", Environment: map[string]string{"DUBBOFN_LOG_LEVEL": "debug"}},
		"keeper":               Keeper{Image: "registry.example.org/dubbofn:v1", RegistrySecret: "registry", Targets: []string{"10.0.0.0/8:20880", "*.example.org:*"}},
		"broker":               Broker{},
		"broker-full":          Broker{Name: "shop", Namespace: "shop", Class: "Kafka", Delivery: Delivery{DeadLetter: "dead-letters", DeadLetterPlain: true, Retry: -1, Backoff: 1500 * time.Millisecond}},
		"trigger":              Trigger{Name: "orders", Function: "order"},
		"trigger-full": Trigger{
			Name: "orders", Namespace: "shop", Broker: "shop", Function: "order", Filter: map[string]string{"type": "org.example.order.placed", "source": "/shop/\"1\""},
			CESQL: "subject LIKE 'eu/%'", Timeout: 90 * time.Second, Delivery: Delivery{DeadLetter: "orders-failed", Retry: 3, Backoff: time.Second},
		},
		"trigger-plain": Trigger{Name: "accepted", Function: "sink", Plain: true, Filter: map[string]string{"type": "org.example.order.accepted"}},
		"sink":          Sink{Image: "registry.example.org/dubbofn:v1"},
	}
	for name, m := range manifests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := m.YAML()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", name+".yaml"), string(got))
		})
	}
}

// golden compares with a file; GOLDEN=write writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv("GOLDEN") == "write" {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; GOLDEN=write accepts it):\n%s", file, diff)
	}
}

func TestRenderNamesEveryFault(t *testing.T) {
	t.Parallel()
	good := Function{Name: "greet", Image: "greet:v1", Manifest: greetManifest(t)}
	function := func(change func(*Function)) yamler {
		f := good
		change(&f)
		return f
	}
	activator := func(change func(*Activator)) yamler {
		a := Activator{Image: "dubbofn:v1", Registry: "nacos://a:8848"}
		change(&a)
		return a
	}
	cases := map[string]struct {
		from yamler
		want []string
	}{
		"nothing at all": {Function{}, []string{`Name is ""`, `Image is ""`, "Manifest is no JSON"}},
		"an image without a tag, behind a port": {
			function(func(f *Function) { f.Image = "registry:5000/greet" }), []string{`Image is "registry:5000/greet"`},
		},
		"the image latest":            {function(func(f *Function) { f.Image = "greet:latest" }), []string{"other than latest"}},
		"a name that is no host name": {function(func(f *Function) { f.Name = "greet.it"; f.Namespace = "Shop" }), []string{`Name is "greet.it"`, `Namespace is "Shop"`}},
		"another JSON":                {function(func(f *Function) { f.Manifest = []byte(`{"a":1}`) }), []string{"no app or no services"}},
		"a manifest that is too long": {
			function(func(f *Function) {
				f.Manifest = []byte(`{"app":"a","services":[{}],"x":"` + strings.Repeat("x", maxManifestSize) + `"}`)
			}), []string{"an annotation can hold 204800"},
		},
		"white space is not counted": {
			function(func(f *Function) { f.Manifest = append([]byte(strings.Repeat(" ", maxManifestSize)), f.Manifest...) }), nil,
		},
		"a timeout below the longest call": {function(func(f *Function) { f.Timeout = 9 * time.Second }), []string{"Timeout is 9s: want whole seconds from the longest timeout of the manifest, 10s"}},
		"half a second":                    {function(func(f *Function) { f.Timeout = 90*time.Second + time.Second/2 }), []string{"whole seconds"}},
		"a method that takes a year": {
			function(func(f *Function) {
				f.Manifest = []byte(`{"app":"a","services":[{"methods":[{"timeout":9223372036854775807}]}]}`)
			}), []string{"to 24h0m0s"},
		},
		"an address with TLS":   {function(func(f *Function) { f.Activator = "tls://activator.example.org:20881" }), nil},
		"counts":                {function(func(f *Function) { f.Concurrency, f.Target, f.MinScale, f.MaxScale = 1001, -1, 3, 2 }), []string{"Concurrency is 1001", "Target is -1", "MinScale 3 is above MaxScale 2"}},
		"an address":            {function(func(f *Function) { f.Activator, f.Keeper = "activator", ":1" }), []string{`Activator is "activator"`, `Keeper is ":1"`}},
		"a variable":            {function(func(f *Function) { f.Environment = map[string]string{"A-B": "", "DUBBOFN_TOKEN": "x"} }), []string{`"A-B"`, "DUBBOFN_TOKEN, which has another place"}},
		"quantities":            {function(func(f *Function) { f.CPU, f.Memory = "much", "1 Gi" }), []string{`"much" is no quantity`, `"1 Gi" is no quantity`}},
		"a Secret":              {function(func(f *Function) { f.TokenSecret = "a/b" }), []string{`TokenSecret is "a/b"`}},
		"no registry":           {activator(func(a *Activator) { a.Registry = "" }), []string{"Registry is empty"}},
		"no URL":                {activator(func(a *Activator) { a.Registry = "nacos:8848" }), []string{"Registry is no URL"}},
		"two registries":        {activator(func(a *Activator) { a.RegistrySecret = "b" }), []string{"both set"}},
		"one host for two":      {activator(func(a *Activator) { a.Host = "h" }), []string{`Host "h" is one address for 2 replicas`}},
		"a namespace":           {activator(func(a *Activator) { a.Namespaces = []string{"a", "b\nc"} }), []string{`Namespaces is "b\nc"`}},
		"a trigger without any": {Trigger{}, []string{`Name is ""`, `Function is ""`}},
		"a filter":              {Trigger{Name: "a", Function: "b", Filter: map[string]string{"Type": "x"}}, []string{`Filter has "Type"`}},
		"a delivery": {
			Trigger{Name: "a", Function: "b", Timeout: time.Millisecond, Delivery: Delivery{DeadLetter: "A", Retry: -2, Backoff: 2 * time.Hour}},
			[]string{`DeadLetter is "A"`, "Retry is -2", "Backoff is 2h0m0s", "Timeout is 1ms"},
		},
		"a broker's name":      {Broker{Name: "a.b"}, []string{`Name is "a.b"`}},
		"a sink's image":       {Sink{}, []string{`Image is ""`}},
		"a keeper without any": {Keeper{}, []string{"Image is", "Registry is empty"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := c.from.YAML()
			if (err != nil) != (len(c.want) > 0) || (err == nil) == (got == nil) {
				t.Fatalf("error %v, %d bytes, want %d faults", err, len(got), len(c.want))
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q, want %q in it", err, w)
				}
			}
			if err != nil && len(c.want) != strings.Count(err.Error(), "\n")+1 {
				t.Errorf("error %q, want %d faults", err, len(c.want))
			}
		})
	}
}

func TestANameThatKubernetesForbidsComesWithOneThatItTakes(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"greet": "", "a": "", "a-1": "", "Greet_It": `as "greet-it"`, "1st-greet": `as "st-greet"`, "greet.": `as "greet"`, "": "a letter first", "世界": "a letter first", strings.Repeat("a", 64): "up to 63",
	} {
		err := CheckName(name)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}

func TestAHoldIsNeverTooShortForTheFunctionToStart(t *testing.T) {
	t.Parallel()
	f := Function{Name: "a", Image: "a:v1", Manifest: []byte(`{"app":"a","services":[{"methods":[{"timeout":500}]}]}`), Timeout: time.Second}
	got, err := f.YAML()
	if err != nil || !strings.Contains(string(got), "DUBBOFN_HOLD\n          value: \"1s\"\n") { // DUBBOFN_HOLD wants 1s or more
		t.Errorf("%v\n%s", err, got)
	}
}

func TestQuoteLeavesNothingOfAValueOutside(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "a", "yes", "0x10", "a: b # c", "\"", "\\", "\n---\n", "{{.}}", "<&>", "\u2028\x00\x7f", "你好", "a\u0085b\u009f\ufeff\uffff"} {
		q, err := quote(s)
		var back string
		if err != nil || strings.ContainsAny(q, "\x7f\u0085\u009f\ufeff\uffff") || strings.Contains(q, "\n") || json.Unmarshal([]byte(q), &back) != nil || back != s {
			t.Errorf("quote(%q) = %s, %v", s, q, err)
		}
	}
}
