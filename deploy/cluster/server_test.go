package cluster

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"k8s.io/client-go/rest"

	"github.com/dubbofn/dubbofn/deploy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type object = map[string]any

// server is an API server in this process: it keeps objects, and answers as Kubernetes does as far as it is asked here. Others change its
// objects, as Knative's controllers would, by controller.
type server struct {
	t *testing.T

	mu      sync.Mutex
	objects map[string]object // by path
	version int
	applied []object // what clients applied, dry runs too
	queries []string
	// controller is called after each change that a client made. It holds the lock.
	controller func(*server, string, object)
	// refuse answers instead of the server, where it gives a status.
	refuse func(*http.Request) (code int, status object)
	// plain answers what is no object: logs, the activator.
	plain map[string]http.HandlerFunc
}

func newServer(t *testing.T) *server {
	t.Helper()
	return &server{t: t, objects: map[string]object{}, plain: map[string]http.HandlerFunc{
		"/apis/serving.knative.dev/v1":  func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, object{"kind": "APIResourceList"}) },
		"/apis/eventing.knative.dev/v1": func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, object{"kind": "APIResourceList"}) },
	}}
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}

func failure(code int, reason, message string, details object) object {
	return object{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message, "details": details}
}

// ServeHTTP is [http.Handler]'s.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.queries = append(s.queries, r.Method+" "+r.URL.Path+"?"+r.URL.RawQuery)
	refuse, plain := s.refuse, s.plain[r.URL.Path]
	s.mu.Unlock()
	if refuse != nil {
		if code, status := refuse(r); code != 0 {
			answer(w, code, status)
			return
		}
	}
	if plain != nil {
		plain(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	have, found := s.objects[r.URL.Path]
	switch {
	case r.Method == http.MethodGet && found:
		answer(w, 200, have)
	case r.Method == http.MethodGet && path.Base(r.URL.Path) != "v1" && !isObject(r.URL.Path):
		answer(w, 200, object{"kind": "List", "apiVersion": "v1", "metadata": object{"resourceVersion": "1"}, "items": s.list(r)})
	case r.Method == http.MethodPatch:
		s.patch(w, r, have)
	case r.Method == http.MethodDelete && found:
		delete(s.objects, r.URL.Path)
		if s.controller != nil {
			s.controller(s, r.URL.Path, nil)
		}
		answer(w, 200, object{"kind": "Status", "status": "Success"})
	default:
		name := path.Base(r.URL.Path)
		kind := path.Base(path.Dir(r.URL.Path))
		answer(w, 404, failure(404, "NotFound", fmt.Sprintf("%s %q not found", kind, name), object{"name": name, "kind": kind}))
	}
}

// isObject tells paths of one object from those of a list.
func isObject(p string) bool {
	parts := strings.Split(strings.Trim(p, "/"), "/")
	at := slices.Index(parts, "namespaces")
	return at >= 0 && len(parts) > at+3
}

func (s *server) list(r *http.Request) []object {
	prefix, resource := path.Dir(r.URL.Path), path.Base(r.URL.Path)
	label, value, _ := strings.Cut(r.URL.Query().Get("labelSelector"), "=")
	about := strings.TrimPrefix(r.URL.Query().Get("fieldSelector"), "involvedObject.name=")
	found := []object{}
	for _, p := range slices.Sorted(maps.Keys(s.objects)) {
		o := s.objects[p]
		if !strings.HasPrefix(p, prefix+"/") || path.Base(path.Dir(p)) != resource {
			continue
		}
		if label != "" && dig(o, "metadata", "labels", label) != value || about != "" && dig(o, "involvedObject", "name") != about {
			continue
		}
		found = append(found, o)
	}
	return found
}

func dig(o any, keys ...string) any {
	for _, k := range keys {
		m, ok := o.(object)
		if !ok {
			return nil
		}
		o = m[k]
	}
	return o
}

// patch is a server-side apply, of one manager.
func (s *server) patch(w http.ResponseWriter, r *http.Request, have object) {
	q := r.URL.Query()
	b, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var o object
	if err != nil || json.Unmarshal(b, &o) != nil || r.Header.Get("Content-Type") != "application/apply-patch+yaml" || q.Get("fieldManager") != "dubbofn" {
		answer(w, 400, failure(400, "BadRequest", "no apply patch of dubbofn", nil))
		return
	}
	s.applied = append(s.applied, o)
	next := s.put(r.URL.Path, o, have, q.Get("dryRun") == "All")
	answer(w, 200, next)
}

func (s *server) put(at string, o, have object, dry bool) object {
	b, _ := json.Marshal(o)
	var next object
	_ = json.Unmarshal(b, &next)
	meta, _ := next["metadata"].(object)
	generation := 1.0
	if have != nil {
		next["status"] = have["status"]
		generation, _ = dig(have, "metadata", "generation").(float64)
		if fmt.Sprint(have["spec"]) != fmt.Sprint(next["spec"]) {
			generation++
		}
	}
	s.version++
	meta["generation"], meta["uid"], meta["resourceVersion"] = generation, "id-"+path.Base(at), fmt.Sprint(s.version)
	meta["creationTimestamp"] = "2026-01-02T03:04:05Z"
	if dry {
		return next
	}
	s.objects[at] = next
	if s.controller != nil {
		s.controller(s, at, next)
	}
	return next
}

const (
	greetPath    = "/apis/serving.knative.dev/v1/namespaces/shop/services/greet"
	revisionPath = "/apis/serving.knative.dev/v1/namespaces/shop/revisions/greet-00001"
	podPath      = "/api/v1/namespaces/shop/pods/greet-00001-a"
	askPath      = "/api/v1/namespaces/dubbofn/services/dubbofn-activator:http-admin/proxy/api/functions"
)

// at sets an object, from text.
func (s *server) at(p, text string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(p, text)
}

func (s *server) set(p, text string) {
	var o object
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		s.t.Errorf("%v in %s", err, text)
	}
	if o["kind"] == nil { // the server knows it, and a test's text need not say it
		o["kind"], o["apiVersion"] = "Kind", "v1"
	}
	s.objects[p] = o
}

// status sets the status of an object.
func (s *server) status(p, text string) {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		s.t.Errorf("%v in %s", err, text)
	}
	if s.objects[p] != nil {
		s.objects[p]["status"] = v
	}
}

const readyStatus = `{"observedGeneration":1,"latestCreatedRevisionName":"greet-00001","latestReadyRevisionName":"greet-00001","url":"http://greet.shop.svc.cluster.local",
	"conditions":[{"type":"Ready","status":"True"}],"traffic":[{"revisionName":"greet-00001","percent":100}]}`

// becomesReady is a Knative that has every Service and Trigger ready at once.
func becomesReady(s *server, p string, o object) {
	switch {
	case o == nil:
	case p == greetPath:
		s.status(p, readyStatus)
	case strings.Contains(p, "/triggers/"):
		s.status(p, `{"observedGeneration":1,"conditions":[{"type":"Ready","status":"True"}]}`)
	}
}

const fresh = `{"app":"greet","function":"shop/greet","state":"asleep","visible":true,"knative_revision":"greet-00001","revision":"a19019eb037f9ee0daa7298c46c942d8"}`

// activator answers as one would, whose functions are said in JSON.
func (s *server) activator(functions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plain[askPath] = func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "["+strings.Join(functions, ",")+"]")
	}
}

func connected(t *testing.T, h http.Handler, change ...func(*Access)) *Cluster {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	a := Access{Namespace: "shop"}
	for _, f := range change {
		f(&a)
	}
	c, err := connect(&rest.Config{Host: srv.URL}, a)
	if err != nil {
		t.Fatal(err)
	}
	c.waits = waits{2 * time.Millisecond, 16 * time.Millisecond, 180 * time.Millisecond, 80 * time.Millisecond}
	t.Cleanup(c.http.CloseIdleConnections)
	return c
}

func greet(t *testing.T) Release {
	t.Helper()
	m, err := os.ReadFile("../testdata/greet.json")
	if err != nil {
		t.Fatal(err)
	}
	return Release{Function: deploy.Function{Name: "greet", Namespace: "shop", Image: "registry.example.org/greet:v1", Manifest: m}}
}
