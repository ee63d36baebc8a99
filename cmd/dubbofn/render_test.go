package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const smallManifest = `{"app":"greet","services":[{"interface":"org.example.GreetService","methods":[{"name":"hello","timeout":10000}]}]}`

func render(t *testing.T, in string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c := rootCommand()
	c.SetIn(strings.NewReader(in))
	c.SetOut(&out)
	c.SetArgs(append([]string{"render"}, args...))
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

func TestRenderWritesWhatItsFlagsSay(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "greet.json")
	if err := os.WriteFile(file, []byte(smallManifest), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		args []string
		want []string
	}{
		"a function": {
			[]string{"function", "greet", "--image", "greet:v1", "--manifest", file, "--concurrency", "5", "--max-scale", "8", "--env", "A=x=1,y=2", "--env", "B=2"},
			[]string{"kind: Service", `name: "greet"`, "containerConcurrency: 5", `max-scale: "8"`, `value: "x=1,y=2"`, `name: "B"`, "timeoutSeconds: 300", "dubbofn-activator-lane.dubbofn.svc.cluster.local.:20881"},
		},
		"from standard input": {[]string{"function", "greet", "--image", "greet:v1", "--manifest", "-"}, []string{`\"app\":\"greet\"`}},
		"the activator": {
			[]string{"activator", "--image", "dubbofn:v1", "--registry", "nacos://n:8848", "--watch", "a,b"},
			[]string{"kind: Deployment", "replicas: 2", `value: "nacos://n:8848"`, `namespace: "a"`, `namespace: "b"`},
		},
		"the dashboard": {[]string{"dashboard"}, []string{`"title": "dubbofn"`, "dubbofn_calls_total"}},
		"the alerts":    {[]string{"alerts"}, []string{"groups:", "alert: DubbofnCallsFail"}},
		"the keeper":    {[]string{"keeper", "--image", "dubbofn:v1", "--registry-secret", "r"}, []string{"kind: DaemonSet", "internalTrafficPolicy: Local"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := render(t, smallManifest, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range c.want {
				if !strings.Contains(got, w) {
					t.Errorf("%q is not in\n%s", w, got)
				}
			}
		})
	}
}

func TestRenderTellsWhatIsMissing(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"needs --manifest":          {"function", "greet", "--image", "greet:v1"},
		"no such file":              {"function", "greet", "--image", "greet:v1", "--manifest", "/nowhere/greet.json"},
		"no app or no services":     {"function", "greet", "--image", "greet:v1", "--manifest", "-"},
		"accepts 1 arg(s)":          {"function"},
		"unknown command":           {"functoin"},
		"want NAME=VALUE":           {"keeper", "--env", "A"},
		"longer than 8388608 bytes": {"function", "greet", "--image", "greet:v1", "--manifest", "-", "--max-scale", "1"},
		"Registry is empty":         {"activator", "--image", "dubbofn:v1"},
		"an image with a tag":       {"keeper", "--registry", "nacos://n:8848"},
		`--targets: app "functions": target "foo": want HOST:PORT`: {"keeper", "--image", "a:b", "--registry", "nacos://n:8848", "--targets", "foo,a:1"},
		"both set: want one of them":                               {"keeper", "--image", "a:b", "--registry", "x", "--registry-secret", "y"},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			in := "{}"
			if len(args) > 6 && strings.HasPrefix(want, "longer") {
				in = strings.Repeat(" ", maxManifestBytes+1)
			}
			if out, err := render(t, in, args...); err == nil || out != "" || !strings.Contains(err.Error(), want) || !strings.HasPrefix(want, "longer") && exitCode(err) != exitUsage {
				t.Errorf("error %v, output %q, want %q", err, out, want)
			}
		})
	}
}
