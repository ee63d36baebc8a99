package cluster

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/deploy"
)

func TestAFunctionIsAppliedAndAwaitedUntilConsumersFindIt(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.controller = becomesReady
	s.activator(`{"function":"shop/other","state":"awake","visible":true}`, fresh)
	c := connected(t, s)
	r := greet(t)
	r.Triggers = []deploy.Trigger{{Name: "greetings", Filter: map[string]string{"type": "a"}}}
	changes, err := c.Apply(t.Context(), r, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []Change{{"Knative Service", "shop", "greet", "created"}, {"Trigger", "shop", "greetings", "created"}}
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	var told []string
	f, err := c.Wait(t.Context(), r, func(s string) { told = append(told, s) })
	if err != nil {
		t.Fatal(err)
	}
	if f.Ready != "True" || f.State != "asleep" || !f.Visible || f.Revision != "greet-00001" || f.App != "greet" || f.Note != "" || len(told) == 0 {
		t.Errorf("%+v, told %q", f, told)
	}
	if got := dig(s.applied[0], "spec", "template", "metadata", "annotations", "dubbofn.dev/manifest"); got == nil {
		t.Error("the manifest is not at the template")
	}
	if got := dig(s.applied[1], "metadata", "labels", madeForLabel); got != "greet" {
		t.Errorf("the trigger is labelled as made for %v", got)
	}
	changes, err = c.Apply(t.Context(), r, Options{})
	if err != nil || changes[0].Action != "unchanged" || changes[1].Action != "unchanged" {
		t.Errorf("again: %v, %v", changes, err)
	}
	r.Function.Image = "registry.example.org/greet:v2"
	if changes, err = c.Apply(t.Context(), r, Options{}); err != nil || changes[0].Action != "configured" {
		t.Errorf("another image: %v, %v", changes, err)
	}
}

// The file is also what e2e/knative holds against Knative's own types.
func TestWhatIsAppliedIsAsItWas(t *testing.T) {
	t.Parallel()
	r := greet(t)
	r.Triggers = []deploy.Trigger{
		{Name: "greetings", Filter: map[string]string{"type": "org.example.greeting"}, Delivery: deploy.Delivery{DeadLetter: "dead-letters", DeadLetterPlain: true}},
		{Name: "all", Broker: "front"},
	}
	got, err := r.YAML()
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/release.yaml"
	if os.Getenv("GOLDEN") == "write" {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; GOLDEN=write accepts it):\n%s", file, diff)
	}
	objects, err := r.objects()
	if err != nil || len(objects) != 3 {
		t.Fatalf("%d objects, %v", len(objects), err)
	}
	for i, want := range []string{"Service", "Trigger", "Trigger"} {
		if objects[i].GetKind() != want || objects[i].GetNamespace() != "shop" {
			t.Errorf("object %d is %s of namespace %s", i, objects[i].GetKind(), objects[i].GetNamespace())
		}
	}
}

func TestADryRunChangesNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	changes, err := connected(t, s).Apply(t.Context(), greet(t), Options{DryRun: true})
	if err != nil || len(changes) != 1 || changes[0].Action != "created" || len(s.applied) != 1 || len(s.objects) != 0 {
		t.Errorf("%v, %v; %d applied, %d there", changes, err, len(s.applied), len(s.objects))
	}
}

// Each of them is refused before anything is changed.
func TestDeployIsRefusedWithWhatToDo(t *testing.T) {
	t.Parallel()
	other := func(name, manifest string) string {
		return `{"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"` + name + `","namespace":"bank","labels":{"dubbofn.dev/function":"true"}},
			"spec":{"template":{"metadata":{"annotations":{"dubbofn.dev/manifest":` + manifest + `}}}}}`
	}
	const otherPath = "/apis/serving.knative.dev/v1/namespaces/bank/services/hello"
	same := `"{\"app\":\"hello\",\"services\":[{\"interface\":\"org.example.GreetService\"}]}"`
	cases := map[string]struct {
		prepare func(*server)
		change  func(*Release, *Options)
		kind    error
		want    []string
	}{
		"no Knative": {
			func(s *server) { delete(s.plain, "/apis/serving.knative.dev/v1") }, nil,
			ErrNoKnative, []string{"no Knative Serving", "install"},
		},
		"no Eventing for a trigger": {
			func(s *server) { delete(s.plain, "/apis/eventing.knative.dev/v1") },
			func(r *Release, _ *Options) { r.Triggers = []deploy.Trigger{{Name: "a"}} },
			ErrNoKnative, []string{"no Knative Eventing, which triggers need"},
		},
		"no right": {
			refusing("PATCH", failure(403, "Forbidden", `services.serving.knative.dev "greet" is forbidden: User "jane" cannot patch resource "services" in API group "serving.knative.dev" in the namespace "shop"`, object{"name": "greet"})), nil,
			ErrForbidden, []string{`User "jane" may not patch services.serving.knative.dev in namespace shop`, "--verb=patch --resource=services.serving.knative.dev"},
		},
		"nobody it knows": {
			refusing("GET", failure(401, "Unauthorized", "Unauthorized", nil)), nil, ErrForbidden, []string{"does not know who asks"},
		},
		"no namespace": {
			refusing("PATCH", failure(404, "NotFound", `namespaces "shop" not found`, object{"name": "shop", "kind": "namespaces"})), nil,
			ErrNotFound, []string{"kubectl create namespace shop"},
		},
		"fields of somebody else": {
			refusing("PATCH", failure(409, "Conflict", "Apply failed with 1 conflict", object{"causes": []object{{"reason": "FieldManagerConflict", "message": `conflict with "kubectl" using serving.knative.dev/v1`, "field": ".spec.template.spec.timeoutSeconds"}}})), nil,
			ErrTaken, []string{`.spec.template.spec.timeoutSeconds ("kubectl" using serving.knative.dev/v1)`, "--force"},
		},
		"Knative's own check": {
			refusing("PATCH", failure(400, "BadRequest", `admission webhook "validation.webhook.serving.knative.dev" denied the request: expected 0 <= 900 <= 600: spec.template.spec.timeoutSeconds`, nil)), nil,
			ErrRefused, []string{"expected 0 <= 900 <= 600"},
		},
		"Knative's webhook is down": {
			refusing("PATCH", failure(500, "InternalError", `Internal error occurred: failed calling webhook "webhook.serving.knative.dev": connection refused`, nil)), nil,
			ErrUnreachable, []string{"kubectl -n knative-serving get pods"},
		},
		"a Service that is no function": {
			func(s *server) { s.at(greetPath, `{"metadata":{"name":"greet","namespace":"shop"}}`) }, nil,
			ErrTaken, []string{"is no function", "--force"},
		},
		"another function with its interface": {
			func(s *server) { s.at(otherPath, other("hello", same)) }, nil,
			ErrTaken, []string{"bank/hello offers org.example.GreetService too", "dubbofn undeploy -n bank hello"},
		},
		"another function with its application": {
			func(s *server) { s.at(otherPath, other("hello", `"{\"app\":\"greet\",\"services\":[]}"`)) }, nil,
			ErrTaken, []string{`application "greet" is deployed already, as bank/hello`},
		},
		"a name that Kubernetes forbids": {
			nil, func(r *Release, _ *Options) { r.Function.Name = "Greet_it" },
			nil, []string{`Name is "Greet_it"`},
		},
	}
	for name, x := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, r, o := newServer(t), greet(t), Options{}
			if x.prepare != nil {
				x.prepare(s)
			}
			if x.change != nil {
				x.change(&r, &o)
			}
			_, err := connected(t, s).Apply(t.Context(), r, o)
			if err == nil || x.kind != nil && !errors.Is(err, x.kind) {
				t.Fatalf("%v, want one that is %v", err, x.kind)
			}
			for _, w := range x.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q, want %q in it", err, w)
				}
			}
			if len(s.applied) > 0 {
				t.Error("something was applied all the same")
			}
		})
	}
}

func refusing(method string, status object) func(*server) {
	return func(s *server) {
		s.refuse = func(r *http.Request) (int, object) {
			if r.Method != method {
				return 0, nil
			}
			code, _ := status["code"].(int)
			return code, status
		}
	}
}

func TestWhatTheActivatorDoesNotServeClaimsNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.at("/apis/serving.knative.dev/v1/namespaces/bank/services/hello", `{"metadata":{"name":"hello","namespace":"bank","labels":{"dubbofn.dev/function":"true"}},
		"spec":{"template":{"metadata":{"annotations":{"dubbofn.dev/manifest":"{\"app\":\"x\",\"services\":[{\"interface\":\"org.example.GreetService\"}]}"}}}}}`)
	env := func(name, value string) string {
		return `{"spec":{"template":{"spec":{"containers":[{"env":[{"name":"` + name + `","value":"` + value + `"}]}]}}}}`
	}
	const activatorPath = "/apis/apps/v1/namespaces/dubbofn/deployments/dubbofn-activator"
	c := connected(t, s)
	apply := func(o Options) error {
		o.DryRun = true
		_, err := c.Apply(t.Context(), greet(t), o)
		return err
	}
	if err := apply(Options{}); !errors.Is(err, ErrTaken) {
		t.Errorf("of all namespaces: %v", err)
	}
	s.at(activatorPath, env("DUBBOFN_FUNCTIONS", "knative:shop,front"))
	if err := apply(Options{}); err != nil {
		t.Errorf("the activator does not look there: %v", err)
	}
	s.at(activatorPath, env("DUBBOFN_FUNCTIONS", "knative:bank"))
	if err := apply(Options{}); !errors.Is(err, ErrTaken) {
		t.Errorf("the activator looks there: %v", err)
	}
	if err := apply(Options{Share: true}); err != nil {
		t.Errorf("wanted so: %v", err)
	}
	s.at(activatorPath, env("DUBBOFN_PORTS", "20900-20909"))
	if err := apply(Options{}); err != nil {
		t.Errorf("each gets a port of its own: %v", err)
	}
}

func TestWhoMaySeeOneNamespaceComparesWithThat(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.refuse = func(r *http.Request) (int, object) {
		if r.URL.Path == "/apis/serving.knative.dev/v1/services" || strings.HasPrefix(r.URL.Path, "/apis/apps/") {
			return 403, failure(403, "Forbidden", "no", nil)
		}
		return 0, nil
	}
	if _, err := connected(t, s).Apply(t.Context(), greet(t), Options{}); err != nil {
		t.Error(err)
	}
}

func TestNobodyThereIsSaidSo(t *testing.T) {
	t.Parallel()
	c := connected(t, newServer(t))
	c.base.Host = "127.0.0.1:1"
	_, err := c.Apply(t.Context(), greet(t), Options{})
	if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "127.0.0.1:1 does not answer") || !strings.Contains(err.Error(), "--context") {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if _, err := c.Apply(ctx, greet(t), Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestAnAnswerWithoutEndIsCutOff(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.controller = becomesReady
	s.plain[askPath] = func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`[{"app":"`))
		for block := []byte(strings.Repeat("x", 1<<20)); r.Context().Err() == nil; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
	c := connected(t, s)
	if _, err := c.Apply(t.Context(), greet(t), Options{}); err != nil {
		t.Fatal(err)
	}
	if f, err := c.Wait(t.Context(), greet(t), nil); err != nil || !strings.Contains(f.Note, "something else than /api/functions") {
		t.Errorf("%+v, %v", f, err)
	}
}
