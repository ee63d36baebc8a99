package main

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dubbofn/dubbofn/deploy/cluster"
)

// onCluster runs a command against an API server that is none yet, or one in this process.
func onCluster(t *testing.T, server http.Handler, in string, args ...string) (out, progress string, err error) {
	t.Helper()
	address := "http://127.0.0.1:1"
	if server != nil {
		srv := httptest.NewServer(server)
		t.Cleanup(srv.Close)
		address = srv.URL
	}
	config := filepath.Join(t.TempDir(), "kubeconfig")
	text := `{"apiVersion":"v1","kind":"Config","current-context":"a","clusters":[{"name":"c","cluster":{"server":"` + address + `"}}],"users":[{"name":"u"}],"contexts":[{"name":"a","context":{"cluster":"c","user":"u","namespace":"shop"}}]}`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	c := rootCommand()
	c.SetIn(strings.NewReader(in))
	c.SetOut(&stdout)
	c.SetErr(&stderr)
	c.SetArgs(append(args, "--kubeconfig", config))
	err = c.ExecuteContext(t.Context())
	return stdout.String(), stderr.String(), err
}

func TestDeployPrintsWhatItWouldApplyAndAsksNoCluster(t *testing.T) {
	t.Parallel()
	out, _, err := onCluster(t, nil, smallManifest, "deploy", "--image", "greet:v1", "--manifest", "-", "-o", "yaml", "--trigger", "hellos@front:type=a,source=b", "--dead-letter", "sink", "--env", "A=b")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`name: "greet"`, `namespace: "shop"`, `image: "greet:v1"`, "kind: Trigger", `broker: "front"`, `source: "b"`, `type: "a"`, `name: "sink"`, `dubbofn.dev/made-for: "greet"`} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

func TestDeployRefusesWhatCannotBeMeant(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "Greet_It")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"needs a DIR":               {"deploy"},
		"needs --manifest":          {"deploy", "--image", "a:v1"},
		"each of them says":         {"deploy", dir, "--image", "a:v1", "--manifest", "-"},
		"are of one function":       {"deploy", dir, dir, "--push", "a", "--name", "b"},
		"needs --push":              {"deploy", dir},
		"no such directory":         {"deploy", dir + "2", "--push", "a"},
		"want --app x":              {"deploy", dir, "--push", "a", "--env", "DUBBOFN_APP=x"},
		"want text, json or yaml":   {"deploy", dir, "--push", "a", "-o", "xml"},
		`as "greet-it"`:             {"deploy", dir, "--push", "a", "-o", "yaml"},
		"NAME[@BROKER][:ATTRIBUTE=": {"deploy", "--image", "a:v1", "--manifest", "-", "-o", "yaml", "--trigger", "a:b"},
		"is no manifest":            {"deploy", "--image", "a:v1", "--manifest", os.DevNull, "-o", "yaml"},
		"undeploy needs":            {"undeploy"},
		"logs needs one":            {"logs", "a", "b"},
		"nothing to follow":         {"logs", "a", "-f", "--previous"},
	} {
		if _, _, err := onCluster(t, nil, smallManifest, args...); !isUsage(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want wrong usage with %q", args, err, want)
		}
	}
}

func TestWhereNoClusterAnswersEveryCommandSaysSo(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"deploy", "--image", "a:v1", "--manifest", "-"}, {"undeploy", "a"}, {"list"}, {"logs", "a"}, {"describe", "--deployed", "a"}} {
		_, _, err := onCluster(t, nil, smallManifest, args...)
		if exitCode(err) != exitUnavailable || !strings.Contains(err.Error(), "127.0.0.1:1 does not answer") {
			t.Errorf("%q: %v", args, err)
		}
	}
}

func TestListIsATableOrJSON(t *testing.T) {
	t.Parallel()
	server := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/apis/serving.knative.dev/v1/namespaces/shop/services":
			_, _ = w.Write([]byte(`{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"greet","namespace":"shop","labels":{"dubbofn.dev/function":"true"}},
				"spec":{"template":{"metadata":{"annotations":{"dubbofn.dev/manifest":"{\"app\":\"greeting\",\"services\":[{\"interface\":\"org.example.GreetService\"}]}"}}}},
				"status":{"url":"http://greet.shop","latestReadyRevisionName":"greet-00007","conditions":[{"type":"Ready","status":"True"}]}}]}`))
		case "/api/v1/namespaces/dubbofn/services/dubbofn-activator:http-admin/proxy/api/functions":
			_, _ = w.Write([]byte(`[{"function":"shop/greet","state":"asleep","visible":true}]`))
		default:
			http.NotFound(w, r)
		}
	})
	out, _, err := onCluster(t, server, "", "list")
	if err != nil || strings.Contains(out, "\x1b") || !strings.Contains(out, "NAME") {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := strings.Fields(strings.Split(out, "\n")[1]); strings.Join(got, " ") != "greet yes asleep greeting org.example.GreetService greet-00007 http://greet.shop" {
		t.Errorf("row %q", got)
	}
	out, _, err = onCluster(t, server, "", "list", "-o", "json")
	if err != nil || !strings.Contains(out, `"state": "asleep"`) || !strings.HasPrefix(out, "[") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestWhatAClusterSaysHasAnExitCode(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]int{
		cluster.ErrUnreachable: exitUnavailable, cluster.ErrNoKnative: exitUnavailable, cluster.ErrForbidden: exitRefused, cluster.ErrTaken: exitRefused, cluster.ErrRefused: exitRefused,
		cluster.ErrNotFound: exitNotFound, &cluster.Trouble{What: "x"}: exitOther,
	} {
		if got := exitCode(errors.Join(errors.New("a"), err)); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
}
