package knative

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/dubbofn/dubbofn/cold/activator"
)

// parse reads an object as the API server would send it; a test's text leaves out what is the same everywhere.
func parse(t *testing.T, kind, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{Object: map[string]any{}}
	if err := json.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	u.SetAPIVersion("serving.knative.dev/v1")
	u.SetKind(kind)
	u.SetNamespace("shop")
	u.SetLabels(map[string]string{Label: "true"})
	return u
}

const (
	greetService = `{"metadata":{"name":"greet","creationTimestamp":"2026-01-02T03:04:05Z"},
		"spec":{"template":{"metadata":{"labels":{"dubbofn.dev/function":"true"}},"spec":{"containerConcurrency":9,"containers":[{"env":[{"name":"DUBBOFN_APP","value":"next"}]}]}}},
		"status":{"url":"http://greet.shop.example.org","address":{"url":"http://greet.shop.svc.cluster.local"},"traffic":[TRAFFIC]}}`
	greetRevision = `{"metadata":{"name":"greet-00001","annotations":{"dubbofn.dev/manifest":"{\"app\":\"greeting\"}"}},
		"spec":{"containerConcurrency":5,"timeoutSeconds":60,"containers":[{"env":[{"name":"A","value":"b"},{"name":"DUBBOFN_APP","value":"greeting"}]}]}}`
	allToFirst = `{"revisionName":"greet-00001","percent":100,"latestRevision":true}`
)

func greetTraffic(targets string) string { return strings.Replace(greetService, "TRAFFIC", targets, 1) }

func greeting() activator.Function {
	return activator.Function{
		Name: "shop/greet", App: "greeting", URL: "http://greet.shop.svc.cluster.local", KnativeRevision: "greet-00001",
		Concurrency: 5, TimeoutSeconds: 60, Manifest: activator.Manifest(`{"app":"greeting"}`), Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

func TestFunctionIsWhatTheRevisionWithMostTrafficSays(t *testing.T) {
	t.Parallel()
	plain := func(change func(*activator.Function)) activator.Function {
		f := greeting()
		change(&f)
		return f
	}
	second := strings.NewReplacer("greet-00001", "greet-00002", `\"greeting\"`, `\"later\"`, `"value":"greeting"`, `"value":"later"`, `:5,`, `:7,`).Replace(greetRevision)
	secondFunction := func(f *activator.Function) {
		f.App, f.Concurrency, f.Manifest = "later", 7, activator.Manifest(`{"app":"later"}`)
	}
	cases := map[string]struct {
		service   string
		revisions []string
		want      activator.Function
	}{
		"all traffic to one": {greetTraffic(allToFirst), []string{greetRevision, second}, greeting()},
		"the latest is not yet served": {
			greetTraffic(`{"revisionName":"greet-00001","percent":100,"latestRevision":false}`), []string{second, greetRevision}, greeting(),
		},
		"a tag beside it": {greetTraffic(allToFirst + `,{"revisionName":"greet-00002","tag":"next"}`), []string{greetRevision, second}, greeting()},
		"two parts of one revision": {
			greetTraffic(`{"revisionName":"greet-00001","percent":60},{"revisionName":"greet-00001","percent":40,"tag":"old"}`), []string{greetRevision, second}, greeting(),
		},
		"most to the second": {
			greetTraffic(`{"revisionName":"greet-00001","percent":40},{"revisionName":"greet-00002","percent":60}`), []string{greetRevision, second},
			plain(func(f *activator.Function) { secondFunction(f); f.KnativeRevision = "" }),
		},
		"half and half": {
			greetTraffic(`{"revisionName":"greet-00002","percent":50},{"revisionName":"greet-00001","percent":50}`), []string{greetRevision, second},
			plain(func(f *activator.Function) { secondFunction(f); f.KnativeRevision = "" }),
		},
		"no address in the cluster": {
			strings.Replace(greetTraffic(allToFirst), `"address":{"url":"http://greet.shop.svc.cluster.local"},`, "", 1), []string{greetRevision},
			plain(func(f *activator.Function) { f.URL = "http://greet.shop.example.org" }),
		},
		"no DUBBOFN_APP": {
			greetTraffic(allToFirst), []string{strings.Replace(greetRevision, `{"name":"DUBBOFN_APP","value":"greeting"}`, `{"name":"B","value":""}`, 1)},
			plain(func(f *activator.Function) { f.App = "greet" }),
		},
		"no limits": {
			greetTraffic(allToFirst), []string{strings.Replace(greetRevision, `"containerConcurrency":5,"timeoutSeconds":60,`, "", 1)},
			plain(func(f *activator.Function) { f.Concurrency, f.TimeoutSeconds = 0, 0 }),
		},
		"a template without the label": {
			strings.NewReplacer(`"metadata":{"labels":{"dubbofn.dev/function":"true"}}`, `"metadata":{}`, `"name":"greet",`, `"name":"greet","annotations":{"dubbofn.dev/manifest":"{}"},`).Replace(greetTraffic(allToFirst)), nil,
			plain(func(f *activator.Function) {
				f.App, f.Manifest, f.Concurrency, f.TimeoutSeconds = "next", activator.Manifest(`{}`), 9, 0
			}),
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var revisions []*unstructured.Unstructured
			for _, r := range c.revisions {
				revisions = append(revisions, parse(t, "Revision", r))
			}
			got := functions([]*unstructured.Unstructured{parse(t, "Service", c.service)}, revisions, nil)
			if diff := cmp.Diff([]activator.Function{c.want}, got); diff != "" {
				t.Errorf("functions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFunctionThatCannotBeReadIsNamedWithTheReason(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ service, revision, want string }{
		"no manifest": {
			greetTraffic(allToFirst), strings.Replace(greetRevision, "dubbofn.dev/manifest", "other", 1),
			`knative service "shop/greet": revision "greet-00001" has no annotation dubbofn.dev/manifest`,
		},
		"an app from a Secret": {
			greetTraffic(allToFirst), strings.Replace(greetRevision, `"value":"greeting"`, `"valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}`, 1),
			"DUBBOFN_APP is taken from elsewhere (valueFrom)",
		},
		"never ready": {
			strings.Replace(greetTraffic(""), `"traffic":[]`, `"conditions":[{"type":"Ready","status":"False","message":"image not found"}]`, 1), greetRevision,
			"no revision is ready: image not found",
		},
		"a status of another shape": {
			strings.Replace(greetTraffic(""), `"traffic":[]`, `"traffic":"all"`, 1), greetRevision, `knative service "shop/greet": `,
		},
		"a revision of another shape": {
			greetTraffic(allToFirst), strings.Replace(greetRevision, `"timeoutSeconds":60`, `"timeoutSeconds":"long"`, 1), `its revision "greet-00001": `,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := functions([]*unstructured.Unstructured{parse(t, "Service", c.service)}, []*unstructured.Unstructured{parse(t, "Revision", c.revision)}, nil)
			if len(got) != 1 || got[0].Name != "shop/greet" || got[0].Fault == nil || !strings.Contains(got[0].Fault.Error(), c.want) {
				t.Errorf("functions %v, want a fault of shop/greet with %q", got, c.want)
			}
		})
	}
}

func TestFunctionStaysAsItWasWhileNothingCanBeToldOfIt(t *testing.T) {
	t.Parallel()
	services := map[string]string{
		"nothing serves it":            greetTraffic(""),
		"its revision isn't seen yet":  greetTraffic(`{"revisionName":"greet-00002","percent":100}`),
		"nothing serves it any more":   greetTraffic(`{"revisionName":"greet-00001","percent":0}`),
		"being made, no status at all": `{"metadata":{"name":"greet"},"spec":{"template":{"spec":{"containers":[{}]}}}}`,
	}
	for name, text := range services {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service, revisions := []*unstructured.Unstructured{parse(t, "Service", text)}, []*unstructured.Unstructured{parse(t, "Revision", greetRevision)}
			if got := functions(service, revisions, nil); len(got) != 0 {
				t.Errorf("at first: %v, want none", got)
			}
			faulty := activator.Function{Name: "shop/other", Fault: errors.New("x")}
			if diff := cmp.Diff([]activator.Function{greeting()}, functions(service, revisions, []activator.Function{faulty, greeting()})); diff != "" {
				t.Errorf("later (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryFieldOfAFunctionIsAChange(t *testing.T) {
	t.Parallel()
	for i := range reflect.TypeFor[activator.Function]().NumField() {
		f := greeting()
		field := reflect.ValueOf(&f).Elem().Field(i)
		switch field.Interface().(type) {
		case string:
			field.SetString("another")
		case int:
			field.SetInt(1)
		case activator.Manifest:
			f.Manifest = activator.Manifest(`{}`)
		case time.Time:
			f.Created = time.Time{}
		default:
			f.Fault = errors.New("broken")
		}
		if same(f, greeting()) || same(greeting(), f) {
			t.Errorf("%s differs and is taken for the same", reflect.TypeFor[activator.Function]().Field(i).Name)
		}
	}
	if !same(greeting(), greeting()) {
		t.Error("the same function is taken for another one")
	}
}
