package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func deployed(t *testing.T) (*server, *Cluster) {
	t.Helper()
	s := newServer(t)
	s.controller = becomesReady
	s.activator(fresh)
	c := connected(t, s)
	if _, err := c.Apply(t.Context(), greet(t), Options{}); err != nil {
		t.Fatal(err)
	}
	return s, c
}

func TestListShowsWhatKnativeAndTheActivatorSay(t *testing.T) {
	t.Parallel()
	s, c := deployed(t)
	s.at("/apis/serving.knative.dev/v1/namespaces/bank/services/pay", `{"metadata":{"name":"pay","namespace":"bank","labels":{"dubbofn.dev/function":"true"},"generation":1},"status":`+gaveUp+`}`)
	s.at("/apis/serving.knative.dev/v1/namespaces/shop/services/web", `{"metadata":{"name":"web","namespace":"shop"}}`)
	all, note, err := c.List(t.Context(), false)
	if err != nil || note != "" || len(all) != 1 || all[0].State != "asleep" || !all[0].Visible || all[0].Services[0] != "org.example.GreetService" {
		t.Errorf("%+v, %q, %v", all, note, err)
	}
	all, _, err = c.List(t.Context(), true)
	if err != nil || len(all) != 2 || all[0].Name != "pay" || all[0].Ready != "False" || all[0].Why == "" || all[0].Services == nil {
		t.Errorf("%+v, %v", all, err)
	}
	delete(s.plain, askPath)
	if all, note, err = c.List(t.Context(), false); err != nil || len(all) != 1 || !strings.Contains(note, "no activator") {
		t.Errorf("%+v, %q, %v", all, note, err)
	}
}

func TestDescribeShowsPodsAndTriggers(t *testing.T) {
	t.Parallel()
	s, c := deployed(t)
	s.at(podPath, podWith(`"ready":true,"restartCount":1,"state":{"running":{}}`))
	s.at("/apis/eventing.knative.dev/v1/namespaces/shop/triggers/b", `{"metadata":{"name":"b","labels":{"dubbofn.dev/made-for":"greet"}}}`)
	d, err := c.Describe(t.Context(), "greet")
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Pods) != 1 || d.Pods[0].Name != "greet-00001-a" || d.Pods[0].Restarts != 1 || !d.Pods[0].Ready || !slices.Equal(d.Triggers, []string{"b"}) || d.Traffic[0].Percent != 100 || d.Manifest == nil {
		t.Errorf("%+v", d)
	}
	for name, want := range map[string]error{"none": ErrNotFound} {
		if _, err := c.Describe(t.Context(), name); !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUndeployTakesAwayWhatWasMadeAndNothingElse(t *testing.T) {
	t.Parallel()
	s, c := deployed(t)
	const triggers = "/apis/eventing.knative.dev/v1/namespaces/shop/triggers/"
	s.at(triggers+"made", `{"metadata":{"name":"made","labels":{"dubbofn.dev/made-for":"greet"}}}`)
	s.at(triggers+"own", `{"metadata":{"name":"own"}}`)
	s.at(podPath, podWith(`"ready":true,"state":{"running":{}}`))
	s.at("/apis/serving.knative.dev/v1/namespaces/shop/services/web", `{"metadata":{"name":"web","namespace":"shop"}}`)
	var told []string
	tell := func(text string) { // as Kubernetes would go on
		told = append(told, text)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.objects, podPath)
		if strings.Contains(text, "stand-in") {
			s.plain[askPath] = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "[]") }
		}
	}
	changes, err := c.Remove(t.Context(), "greet", tell)
	want := []Change{{"Trigger", "shop", "made", "deleted"}, {"Knative Service", "shop", "greet", "deleted"}}
	if diff := cmp.Diff(want, changes); diff != "" || err != nil {
		t.Errorf("%v; changes (-want +got):\n%s", err, diff)
	}
	if !slices.Equal(told, []string{"its pods, which finish what they have", "its stand-in at the activator"}) {
		t.Errorf("told %q", told)
	}
	if s.objects[triggers+"own"] == nil {
		t.Error("another trigger is gone")
	}
	if _, err := c.Remove(t.Context(), "greet", nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("again: %v", err)
	}
	if _, err := c.Remove(t.Context(), "web", nil); !errors.Is(err, ErrTaken) {
		t.Errorf("what is no function: %v", err)
	}
}

func TestUndeploySaysWhatIsLeftWhenItsTimeIsUp(t *testing.T) {
	t.Parallel()
	s, c := deployed(t)
	s.at(podPath, podWith(`"ready":true,"state":{"running":{}}`))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := c.Remove(ctx, "greet", nil); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "its pods") {
		t.Error(err)
	}
}

// logged collects lines.
type logged struct {
	mu    sync.Mutex
	lines []string
	news  chan struct{}
}

func (l *logged) line(pod, line string) {
	l.mu.Lock()
	l.lines = append(l.lines, pod+" "+line)
	l.mu.Unlock()
	select {
	case l.news <- struct{}{}:
	default:
	}
}

func (l *logged) await(t *testing.T, line string) {
	t.Helper()
	for {
		l.mu.Lock()
		there := slices.Contains(l.lines, line)
		l.mu.Unlock()
		if there {
			return
		}
		select {
		case <-l.news:
		case <-t.Context().Done():
			t.Fatalf("no line %q in %q", line, l.lines)
		}
	}
}

func TestLogsAreThoseOfEveryPod(t *testing.T) {
	t.Parallel()
	s, c := deployed(t)
	l := &logged{news: make(chan struct{}, 1)}
	var told []string
	o := LogOptions{Line: l.line, Tell: func(s string) { told = append(told, s) }}
	if err := c.Logs(t.Context(), "greet", o); err != nil || len(told) != 1 || !strings.Contains(told[0], "asleep") {
		t.Errorf("at zero: %v, told %q", err, told)
	}
	s.at(podPath, podWith(`"state":{"waiting":{"reason":"ErrImagePull"}}`))
	if err := c.Logs(t.Context(), "greet", o); err != nil || len(told) != 2 || !strings.Contains(told[1], "none of its pods has begun") {
		t.Errorf("before the container: %v, told %q", err, told)
	}
	for _, pod := range []string{"greet-00001-a", "greet-00001-b"} {
		p := "/api/v1/namespaces/shop/pods/" + pod
		s.at(p, strings.ReplaceAll(podWith(`"ready":true,"state":{"running":{}}`), "greet-00001-a", pod))
		s.plain[p+"/log"] = func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "one %s\n%s\nlast", r.URL.RawQuery, strings.Repeat("x", maxLogLine+1))
		}
	}
	o.Tail, o.Since = 7, time.Minute
	if err := c.Logs(t.Context(), "greet", o); err != nil {
		t.Fatal(err)
	}
	if len(l.lines) != 6 || !slices.Contains(l.lines, "greet-00001-b one container=function&sinceSeconds=60&tailLines=7") || !slices.Contains(l.lines, "greet-00001-a last") {
		t.Errorf("%d lines", len(l.lines))
	}
	for _, line := range l.lines {
		if len(line) > maxLogLine+len("greet-00001-a ") {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
}

func TestFollowedLogsGoOnInPodsThatCome(t *testing.T) {
	t.Parallel()
	s, c := deployed(t)
	l := &logged{news: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	asleep := make(chan struct{}, 8)
	go func() {
		ended <- c.Logs(ctx, "greet", LogOptions{Follow: true, Line: l.line, Tell: func(text string) {
			if strings.Contains(text, "asleep") {
				asleep <- struct{}{}
			}
		}})
	}()
	<-asleep
	come := func(pod string, ends bool) {
		p := "/api/v1/namespaces/shop/pods/" + pod
		s.mu.Lock()
		s.plain[p+"/log"] = func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "hello from %s\n", pod)
			if f, ok := w.(http.Flusher); ok {
				f.Flush()
			}
			if !ends {
				<-r.Context().Done()
			}
		}
		s.mu.Unlock()
		s.at(p, strings.ReplaceAll(podWith(`"ready":true,"state":{"running":{}}`), "greet-00001-a", pod))
	}
	come("greet-00001-a", true)
	l.await(t, "greet-00001-a hello from greet-00001-a")
	<-asleep
	come("greet-00001-b", false)
	l.await(t, "greet-00001-b hello from greet-00001-b")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWhereIsReadFromTheKubeconfig(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config")
	text := `
apiVersion: v1
kind: Config
current-context: a
clusters: [{name: c, cluster: {server: "https://api.example.org:6443"}}]
users: [{name: u, user: {token: secret}}]
contexts: [{name: a, context: {cluster: c, user: u, namespace: shop}}, {name: b, context: {cluster: c, user: u}}]
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, a := range map[string]Access{"shop": {Kubeconfig: file}, "default": {Kubeconfig: file, Context: "b"}, "bank": {Kubeconfig: file, Namespace: "bank"}} {
		c, err := Connect(a)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := a.InNamespace(); err != nil || n != want || c.Namespace() != want || c.base.Host != "api.example.org:6443" {
			t.Errorf("%+v: %q, %v, %v", a, n, err, c.base)
		}
	}
	for _, a := range []Access{{Kubeconfig: file, Context: "none"}, {Kubeconfig: file + "2"}} {
		if _, err := Connect(a); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "kubeconfig") {
			t.Errorf("%+v: %v", a, err)
		}
	}
}

func TestALongLineIsCutAndTheNextIsWhole(t *testing.T) {
	t.Parallel()
	r := bufio.NewReaderSize(strings.NewReader(strings.Repeat("x", 3*maxLogLine)+"\nnext\n"), 4096)
	if l, err := readLine(r); err != nil || len(l) != maxLogLine {
		t.Errorf("%d, %v", len(l), err)
	}
	if l, err := readLine(r); err != nil || l != "next" {
		t.Errorf("%q, %v", l, err)
	}
}
