package zookeeper

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/registry"
)

// javaNodes are nodes that Dubbo Java 2.7.23 and 3.3.6 wrote: a line "path <tab> content" each (testdata/java.tsv).
func javaNodes(t testing.TB) map[string]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "java.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	nodes := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if p, content, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); ok {
			nodes[p] = content
		}
	}
	return nodes
}

func TestInstancesOfJavaAreRead(t *testing.T) {
	t.Parallel()
	read := 0
	for p, content := range javaNodes(t) {
		app, address, ok := strings.Cut(strings.TrimPrefix(p, "/services/"), "/")
		if !strings.HasPrefix(p, "/services/") || !ok {
			continue
		}
		i, err := parsePayload(app, []byte(content))
		if err != nil || i.Address() != address || i.App != app || i.Revision() == "" || len(i.Endpoints()) != 1 {
			t.Errorf("%s: %+v, %v", p, i, err)
		}
		read++
		if strings.HasPrefix(app, "java27") {
			continue // writes null for the payload's id
		}
		ours, err := payload(i, 1795423651566)
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if err := json.Unmarshal(ours, &a); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(content), &b); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b, a); diff != "" {
			t.Errorf("%s, Java's and ours:\n%s", p, diff)
		}
	}
	if read != 2 {
		t.Errorf("%d instances of Java, want 2", read)
	}
}

func TestProvidersOfJavaAreRead(t *testing.T) {
	t.Parallel()
	read := 0
	for p := range javaNodes(t) {
		_, node, ok := strings.Cut(p, "/providers/")
		if !ok {
			continue
		}
		i, err := parseProvider(node)
		if err != nil || i.Address() != "127.0.0.1:35881" || i.Metadata["protocol"] != "dubbo" || i.Metadata["token"] != "s3cret" ||
			i.Metadata["methods"] != "hello" || i.Metadata["path"] != "org.fixture.dubbo.TokenService" || i.App != i.Metadata["application"] {
			t.Errorf("%s: %+v, %v", p, i, err)
		}
		delete(i.Metadata, "category")
		if got := providerNode(i); got != node {
			t.Errorf("written again %s, want %s", got, node)
		}
		read++
	}
	if read != 2 {
		t.Errorf("%d providers of Java, want 2", read)
	}
}

func TestNodesThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	for node, want := range map[string]string{
		"":                                 "no protocol",
		"x":                                "no protocol",
		"%zz":                              "invalid URL escape",
		"dubbo%3A%2F%2F":                   "no host:port",
		"dubbo%3A%2F%2Fa%2Fi":              "no host:port",
		"dubbo%3A%2F%2Fa%3A99999%2Fi":      "no host:port",
		"dubbo%3A%2F%2Fa%3A-1%2Fi":         "no host:port",
		"dubbo%3A%2F%2F%3A20880%2Fi":       "no host:port",
		"%3A%2F%2Fa%3A20880":               "no protocol",
		"dubbo" + strings.Repeat("x", 500): "…",
	} {
		if i, err := parseProvider(node); err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 400 {
			t.Errorf("provider %q: %+v, error %v, want %q", cut(node), i, err, want)
		}
	}
	for content, want := range map[string]string{
		"":                                     "unexpected end of JSON input",
		"[]":                                   "cannot unmarshal",
		"{}":                                   "no address",
		`{"address":"a"}`:                      "no port",
		`{"address":"a","port":70000}`:         "no port",
		`{"address":"a","port":"x"}`:           "cannot unmarshal",
		`{"address":"a","port":1,"payload":1}`: "cannot unmarshal",
	} {
		if i, err := parsePayload("shop", []byte(content)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "shop") {
			t.Errorf("instance %q: %+v, error %v, want %q", content, i, err, want)
		}
	}
	if i, err := parsePayload("shop", []byte(`{"address":"::1","port":1,"payload":null}`)); err != nil || i.Address() != "[::1]:1" {
		t.Errorf("without payload: %+v, %v", i, err)
	}
}

func TestSettingsReportEveryFault(t *testing.T) {
	t.Parallel()
	_, err := read("zookeeper", registry.Config{Scheme: "zk", Addresses: []string{"a:x"}, Params: map[string]string{"session": "1", "group": "a//b"}})
	for _, want := range []string{`scheme "zk"`, `address "a:x"`, `session "1" is not in 1000 to 600000 milliseconds`, `group "a//b"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell %s", err, want)
		}
	}
	s, err := read("zookeeper", registry.Config{Addresses: []string{"a", "b:2182", "[::1]"}, Params: map[string]string{"group": "/shop/"}})
	if diff := cmp.Diff([]string{"a:2181", "b:2182", "[::1]:2181"}, s.servers); err != nil || diff != "" || s.root != "/shop" || s.rulePath("dubbo", "k") != "/shop/config/dubbo/k" {
		t.Errorf("%+v, %v\n%s", s, err, diff)
	}
}

// FuzzNodes reads what anybody may write in the registry.
func FuzzNodes(f *testing.F) {
	for p, content := range javaNodes(f) {
		_, node, _ := strings.Cut(p, "/providers/")
		f.Add(node, content)
	}
	f.Add("dubbo%3A%2F%2Fu%3Ap%40a%3A1%2Fi%3Fa%3D%26%3Db%26c", `{"address":"a","port":0,"payload":{"metadata":{"a":null}}}`)
	f.Fuzz(func(t *testing.T, node, content string) {
		if i, err := parseProvider(node); err == nil {
			again, err := parseProvider(providerNode(i))
			if err == nil {
				if third, err := parseProvider(providerNode(again)); err != nil || !cmp.Equal(again, third) {
					t.Errorf("%+v, then %+v, %v", again, third, err)
				}
			}
		}
		if i, err := parsePayload("shop", []byte(content)); err == nil {
			b, err := payload(i, 1)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := parsePayload("shop", b); err != nil || again.Address() != i.Address() || len(again.Metadata) != len(i.Metadata) {
				t.Errorf("%+v, then %+v, %v", i, again, err)
			}
		}
		for _, app := range splitApps(content) {
			if app == "" || strings.Contains(app, ",") {
				t.Errorf("application %q", app)
			}
		}
	})
}
