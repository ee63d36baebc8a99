package knative

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/dubbofn/dubbofn/cold/activator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func server(objects ...runtime.Object) *fake.FakeDynamicClient {
	return fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{
		resource("services"): "ServiceList", resource("revisions"): "RevisionList",
	}, objects...)
}

// follow watches until the test ends; what each call told comes out of the channel.
func follow(t *testing.T, s *Source) <-chan []activator.Function {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	told, ended := make(chan []activator.Function, 16), make(chan error, 1)
	go func() { ended <- s.Watch(ctx, func(f []activator.Function) { told <- f }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Watch: %v, want nil after its context ended", err)
		}
		select {
		case f := <-told:
			t.Errorf("one more call: %v", f)
		default:
		}
	})
	return told
}

func want(t *testing.T, told <-chan []activator.Function, want ...activator.Function) {
	t.Helper()
	select {
	case got := <-told:
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("functions (-want +got):\n%s", diff)
		}
	case <-t.Context().Done():
		t.Fatal("nothing was told")
	}
}

func TestWatchFollowsARollOut(t *testing.T) {
	t.Parallel()
	api := server(parse(t, "Service", greetTraffic(allToFirst)), parse(t, "Revision", greetRevision))
	told := follow(t, New(api, Config{}))
	want(t, told, greeting())

	services, revisions := api.Resource(resource("services")).Namespace("shop"), api.Resource(resource("revisions")).Namespace("shop")
	update := func(text string) {
		t.Helper()
		if _, err := services.Update(t.Context(), parse(t, "Service", text), metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	// a second revision that gets nothing yet is nobody's business, nor is a message in the status
	later := parse(t, "Revision", strings.ReplaceAll(greetRevision, "greet-00001", "greet-00002"))
	if _, err := revisions.Create(t.Context(), later, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	update(strings.Replace(greetTraffic(allToFirst), `"status":{`, `"status":{"observedGeneration":7,`, 1))

	update(greetTraffic(`{"revisionName":"greet-00001","percent":90},{"revisionName":"greet-00002","percent":10}`))
	split := greeting()
	split.KnativeRevision = ""
	want(t, told, split)

	update(greetTraffic(`{"revisionName":"greet-00002","percent":100}`))
	second := greeting()
	second.KnativeRevision = "greet-00002"
	want(t, told, second)

	if err := services.Delete(t.Context(), "greet", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	want(t, told)
}

func TestWatchTellsThatThereAreNoFunctions(t *testing.T) {
	t.Parallel()
	want(t, follow(t, New(server(), Config{})))
}

func TestWatchLooksInItsNamespacesOnly(t *testing.T) {
	t.Parallel()
	stranger := parse(t, "Service", greetTraffic(allToFirst))
	stranger.SetNamespace("strangers")
	api := server(stranger, parse(t, "Service", greetTraffic(allToFirst)), parse(t, "Revision", greetRevision))
	want(t, follow(t, New(api, Config{Namespaces: []string{"shop", "empty"}})), greeting())
}

func TestWatchSaysWhatItMayNotRead(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"services", "revisions"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := server()
			api.PrependReactor("list", name, func(clienttesting.Action) (bool, runtime.Object, error) {
				return true, nil, apierrors.NewForbidden(resource(name).GroupResource(), "", errors.New("no rule"))
			})
			err := New(api, Config{}).Watch(t.Context(), func([]activator.Function) { t.Error("told, without a first state") })
			if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "list "+name+".serving.knative.dev of all namespaces") {
				t.Errorf("error %v, want that the list of %s is forbidden", err, name)
			}
		})
	}
}

func TestWatchEndsBeforeItHasBegun(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := New(server(), Config{}).Watch(ctx, func([]activator.Function) {}); err != nil {
		t.Errorf("Watch: %v, want nil", err)
	}
}

func TestInClusterWantsACluster(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	if _, err := InCluster(Config{}); err == nil || !strings.Contains(err.Error(), "not in a pod with a service account") {
		t.Errorf("error %v, want that this is no pod", err)
	}
}
