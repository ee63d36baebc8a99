package eventing

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventingv1 "knative.dev/eventing/pkg/apis/eventing/v1"
	"knative.dev/eventing/pkg/apis/feature"
	"knative.dev/pkg/apis"
	"sigs.k8s.io/yaml"
)

// golden is what package deploy renders, in its own tests' folder.
const golden = "../../../deploy/testdata"

func documents(t *testing.T, pattern string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(golden, pattern))
	if err != nil || len(files) == 0 {
		t.Fatal(pattern, files, err)
	}
	all := map[string][]byte{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(file)] = text
	}
	return all
}

func TestRenderedBrokersAreWhatKnativeTakes(t *testing.T) {
	t.Parallel()
	for file, text := range documents(t, "broker*.yaml") {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			var b eventingv1.Broker
			if err := yaml.UnmarshalStrict(text, &b); err != nil {
				t.Fatal(err)
			}
			if b.APIVersion != "eventing.knative.dev/v1" || b.Kind != "Broker" {
				t.Fatalf("it is a %s of %s", b.Kind, b.APIVersion)
			}
			ctx := apis.WithinCreate(t.Context())
			b.SetDefaults(ctx)
			if b.Annotations[eventingv1.BrokerClassAnnotationKey] == "" { // the webhook takes it from a config map of the cluster
				b.Annotations = map[string]string{eventingv1.BrokerClassAnnotationKey: "MTChannelBasedBroker"}
			}
			if err := b.Validate(ctx); err != nil {
				t.Error(err)
			}
			if d := b.Spec.Delivery; d == nil || d.Retry == nil || d.BackoffDelay == nil {
				t.Errorf("delivery is %+v", d)
			}
		})
	}
}

func TestRenderedTriggersAreWhatKnativeTakesWithItsDefaults(t *testing.T) {
	t.Parallel()
	all := documents(t, "trigger*.yaml")
	released, err := os.ReadFile("../../../deploy/cluster/testdata/release.yaml") // what 'dubbofn deploy' applies: a function, then triggers
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range bytes.Split(released, []byte("\n---\n"))[1:] {
		all[fmt.Sprintf("release.yaml, trigger %d", i)] = text
	}
	for file, text := range all {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			var g eventingv1.Trigger
			if err := yaml.UnmarshalStrict(text, &g); err != nil {
				t.Fatal(err)
			}
			if g.APIVersion != "eventing.knative.dev/v1" || g.Kind != "Trigger" {
				t.Fatalf("it is a %s of %s", g.Kind, g.APIVersion)
			}
			flags, err := feature.NewFlagsConfigFromMap(nil) // no feature that has to be switched on; delivery-timeout is on by default
			if err != nil {
				t.Fatal(err)
			}
			ctx := apis.WithinCreate(feature.ToContext(t.Context(), flags))
			g.SetDefaults(ctx)
			if err := g.Validate(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestATriggerThatKnativeRefusesIsNoticed(t *testing.T) {
	t.Parallel()
	var g eventingv1.Trigger
	text := bytes.ReplaceAll(documents(t, "trigger.yaml")["trigger.yaml"], []byte("backoffPolicy: exponential"), []byte("backoffPolicy: sometimes"))
	if err := yaml.UnmarshalStrict(text, &g); err != nil {
		t.Fatal(err)
	}
	g.SetDefaults(t.Context())
	if err := g.Validate(t.Context()); err == nil {
		t.Error("an unknown backoffPolicy was taken: this test checks nothing")
	}
}

func TestRenderedSinkIsWhatKubernetesKnows(t *testing.T) {
	t.Parallel()
	parts := bytes.Split(documents(t, "sink.yaml")["sink.yaml"], []byte("\n---\n"))
	into := []any{&corev1.Service{}, &appsv1.Deployment{}}
	if len(parts) != len(into) {
		t.Fatalf("%d documents, want a Service and a Deployment", len(parts))
	}
	for i, part := range parts {
		if err := yaml.UnmarshalStrict(part, into[i]); err != nil {
			t.Errorf("document %d: %v", i, err)
		}
	}
}
