package serving

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
	"sigs.k8s.io/yaml"
)

// golden is what package deploy renders, in its own tests' folder; release what 'dubbofn deploy' applies, triggers behind the function.
const (
	golden  = "../../../deploy/testdata"
	release = "../../../deploy/cluster/testdata/release.yaml"
)

func documents(t *testing.T, file string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(text, []byte("\n---\n"))
}

func TestRenderedFunctionsAreServicesThatKnativeTakesWithItsDefaults(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(golden, "function*.yaml"))
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, file := range append(files, release) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			for _, d := range documents(t, file) {
				if bytes.Contains(d, []byte("kind: Trigger\n")) {
					continue // Eventing has its own test
				}
				var s servingv1.Service
				if err := yaml.UnmarshalStrict(d, &s); err != nil {
					t.Fatal(err)
				}
				ceiling := *s.Spec.Template.Spec.TimeoutSeconds > 600
				s.SetDefaults(t.Context())
				err := s.Validate(t.Context())
				switch {
				case ceiling && err != nil && strings.Contains(err.Error(), "600"): // as the manifest's comment says
				case ceiling || err != nil:
					t.Errorf("%v", err)
				}
				pod := s.Spec.Template.Spec.PodSpec
				if len(pod.Volumes) != 0 || *pod.AutomountServiceAccountToken {
					t.Error("the pod has a volume, which costs each wake a quarter of a second")
				}
			}
		})
	}
}

func TestRenderedSystemIsWhatKubernetesKnows(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"activator.yaml", "activator-namespaces.yaml", "keeper.yaml"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			for i, d := range documents(t, filepath.Join(golden, file)) {
				var kind metav1.TypeMeta
				if err := yaml.Unmarshal(d, &kind); err != nil {
					t.Fatal(err)
				}
				into, ok := map[string]any{
					"v1/ServiceAccount": &corev1.ServiceAccount{}, "v1/Service": &corev1.Service{},
					"apps/v1/Deployment": &appsv1.Deployment{}, "apps/v1/DaemonSet": &appsv1.DaemonSet{}, "policy/v1/PodDisruptionBudget": &policyv1.PodDisruptionBudget{},
					"rbac.authorization.k8s.io/v1/Role": &rbacv1.Role{}, "rbac.authorization.k8s.io/v1/RoleBinding": &rbacv1.RoleBinding{},
					"rbac.authorization.k8s.io/v1/ClusterRole": &rbacv1.ClusterRole{}, "rbac.authorization.k8s.io/v1/ClusterRoleBinding": &rbacv1.ClusterRoleBinding{},
				}[kind.APIVersion+"/"+kind.Kind]
				if !ok {
					t.Fatalf("document %d is a %s of %s", i, kind.Kind, kind.APIVersion)
				}
				if err := yaml.UnmarshalStrict(d, into); err != nil {
					t.Error(fmt.Errorf("%s, document %d: %w", kind.Kind, i, err))
				}
			}
		})
	}
}
