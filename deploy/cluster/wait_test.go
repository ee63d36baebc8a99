package cluster

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	notReady = `{"observedGeneration":1,"latestCreatedRevisionName":"greet-00001","conditions":[{"type":"Ready","status":"Unknown","reason":"RevisionMissing","message":"Configuration \"greet\" is waiting for a Revision to become ready."}]}`
	gaveUp   = `{"observedGeneration":1,"latestCreatedRevisionName":"greet-00001","conditions":[{"type":"Ready","status":"False","reason":"RevisionMissing","message":"Configuration \"greet\" does not have any ready Revision."}]}`
)

// podWith is the pod of a revision that is to be, with a state of its container.
func podWith(state string) string {
	return `{"metadata":{"name":"greet-00001-a","namespace":"shop","labels":{"serving.knative.dev/revision":"greet-00001","serving.knative.dev/service":"greet"}},
		"status":{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"True"}],"containerStatuses":[{"name":"queue-proxy","ready":true},{"name":"function",` + state + `}]}}`
}

func TestWhatIsWrongIsToldWithItsCauseAndItsMend(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		service, revision, pod string
		log                    string
		want                   []string
	}{
		"an image that is not there": {
			notReady, `{}`, podWith(`"state":{"waiting":{"reason":"ImagePullBackOff","message":"Back-off pulling image: not found"}}`), "",
			[]string{"its image registry.example.org/greet:v1 can't be pulled (ImagePullBackOff)", "not found", "--push", "Failed: it failed"},
		},
		"an image behind a login": {
			notReady, `{}`, podWith(`"state":{"waiting":{"reason":"ErrImagePull","message":"pull access denied, authorization failed"}}`), "",
			[]string{"create secret docker-registry"},
		},
		"an image that Knative can't find": {
			gaveUp, `{"status":{"conditions":[{"type":"ContainerHealthy","status":"False","reason":"ContainerMissing","message":"Unable to fetch image \"registry.example.org/greet:v1\": connection refused"}]}}`, "", "",
			[]string{"its image can't be found: Unable to fetch image", "do not reach the registry"},
		},
		"a program that crashes": {
			notReady, `{}`, podWith(`"restartCount":2,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"exitCode":3,"reason":"Error"}}`), "one\npanic: no database\n",
			[]string{"its program ends when it starts, with exit code 3", "started again 2 times", "its log ends with:", "panic: no database", "--previous"},
		},
		"too little memory": {
			notReady, `{}`, podWith(`"restartCount":1,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"exitCode":137,"reason":"OOMKilled"}}`), "",
			[]string{"took more memory", "--memory-limit"},
		},
		"no token": {
			notReady, `{}`, podWith(`"state":{"waiting":{"reason":"CreateContainerConfigError","message":"secret \"dubbofn-token\" not found"}}`), "",
			[]string{`namespace shop has no Secret "dubbofn-token"`, "kubectl -n shop create secret generic dubbofn-token --from-literal=token=\"$(kubectl -n dubbofn get secret"},
		},
		"another Secret": {
			notReady, `{}`, podWith(`"state":{"waiting":{"reason":"CreateContainerConfigError","message":"secret \"db\" not found"}}`), "",
			[]string{`no Secret "db"`, "create secret generic db --from-literal=…"},
		},
		"root": {
			notReady, `{}`, podWith(`"state":{"waiting":{"reason":"CreateContainerConfigError","message":"container has runAsNonRoot and image will run as root"}}`), "",
			[]string{"USER 65532"},
		},
		"a program for another machine": {
			notReady, `{}`, podWith(`"restartCount":1,"state":{"terminated":{"exitCode":128,"reason":"StartError","message":"exec format error"}}`), "",
			[]string{"can't be started", "exec format error", "platform"},
		},
		"no room": {
			notReady, `{}`, strings.Replace(podWith(`"state":{}`), `"status":"True"`, `"status":"False","reason":"Unschedulable","message":"0/1 nodes are available: 1 Insufficient cpu."`, 1), "",
			[]string{"no node takes its pod: 0/1 nodes are available", "--cpu"},
		},
		"what Knative alone knows": {
			gaveUp, `{"status":{"conditions":[{"type":"ResourcesAvailable","status":"False","reason":"ProgressDeadlineExceeded","message":"Timed out"}]}}`, "", "",
			[]string{"Knative gives its revision greet-00001 up: Timed out"},
		},
		"no word but no": {
			gaveUp, `{}`, "", "", []string{"Knative says: Configuration \"greet\" does not have any ready Revision.", "dubbofn describe --deployed greet"},
		},
	}
	for name, x := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.controller = func(s *server, p string, _ object) {
				if p == greetPath {
					s.status(p, x.service)
					s.set(revisionPath, x.revision)
					if x.pod != "" {
						s.set(podPath, x.pod)
						s.set("/api/v1/namespaces/shop/events/1", `{"type":"Warning","reason":"Failed","message":"it failed","involvedObject":{"name":"greet-00001-a"}}`)
					}
				}
			}
			s.plain[podPath+"/log"] = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, x.log) }
			c := connected(t, s)
			if _, err := c.Apply(t.Context(), greet(t), Options{}); err != nil {
				t.Fatal(err)
			}
			_, err := c.Wait(t.Context(), greet(t), nil)
			var trouble *Trouble
			if !errors.As(err, &trouble) || !errors.Is(err, ErrNotReady) || trouble.Function != "shop/greet" || trouble.Mend == "" {
				t.Fatalf("%v", err)
			}
			for _, w := range x.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%s\nwant %q in it", err, w)
				}
			}
		})
	}
}

func TestAFaultThatWasThereBeforeHasTimeToPass(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.activator(fresh)
	looks := 0
	s.plain[greetPath] = func(w http.ResponseWriter, _ *http.Request) {
		looks++
		status := `"status":` + notReady
		if looks > 10 {
			status = `"status":` + readyStatus
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"greet","namespace":"shop","generation":1},`+status+`}`)
	}
	s.at(podPath, podWith(`"state":{"waiting":{"reason":"ErrImagePull","message":"try again"}}`))
	c := connected(t, s)
	c.waits = waits{10 * time.Millisecond, 20 * time.Millisecond, 10 * time.Second, time.Second} // ten looks take longer than a new fault is doubted
	if f, err := c.Wait(t.Context(), greet(t), nil); err != nil || !f.Visible {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestWhatIsLateIsSaidWithWhatIsMissing(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		service, pod string
		activator    string
		want         string
	}{
		"a program that is never ready": {notReady, podWith(`"ready":false,"state":{"running":{"startedAt":"2026-01-02T03:04:05Z"}}`), "", "runs and does not say that it is ready"},
		"no pod":                        {notReady, "", "", "is waiting for a Revision to become ready"},
		"the activator does not know it": {
			readyStatus, "", `[]`, "Knative serves it, and the activator does not know it",
		},
		"no registry": {
			readyStatus, "", `[` + strings.Replace(fresh, `"visible":true`, `"visible":false`, 1) + `]`, "did not get it into the registry",
		},
		"what was before": {
			readyStatus, "", `[` + strings.NewReplacer("greet-00001", "greet-00000", "a19019eb037f9ee0daa7298c46c942d8", "b").Replace(fresh) + `]`, "serves what was there before (revision greet-00000)",
		},
	}
	for name, x := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.at(greetPath, `{"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"greet","namespace":"shop","generation":1},"status":`+x.service+`}`)
			if x.pod != "" {
				s.at(podPath, x.pod)
			}
			s.plain[askPath] = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, x.activator) }
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			_, err := connected(t, s).Wait(ctx, greet(t), nil)
			if !errors.Is(err, ErrNotReady) || !strings.Contains(err.Error(), x.want) {
				t.Errorf("%v, want %q", err, x.want)
			}
		})
	}
}

func TestWithoutAnActivatorItIsDeployedAndSaidSo(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		prepare func(*server)
		want    string
	}{
		"none": {nil, "no activator is there: namespace dubbofn has no Service dubbofn-activator"},
		"no right to ask": {
			func(s *server) {
				s.refuse = func(r *http.Request) (int, object) {
					if r.URL.Path == askPath {
						return 403, failure(403, "Forbidden", `services "dubbofn-activator:http-admin" is forbidden: User "jane" cannot get resource "services/proxy" in API group "" in the namespace "dubbofn"`, nil)
					}
					return 0, nil
				}
			}, "may not get services/proxy in namespace dubbofn",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.controller = becomesReady
			if x.prepare != nil {
				x.prepare(s)
			}
			c := connected(t, s)
			if _, err := c.Apply(t.Context(), greet(t), Options{}); err != nil {
				t.Fatal(err)
			}
			f, err := c.Wait(t.Context(), greet(t), nil)
			if err != nil || f.Ready != "True" || f.Visible || !strings.Contains(f.Note, x.want) {
				t.Errorf("%+v, %v; want %q", f, err, x.want)
			}
		})
	}
}

func TestAFunctionThatTheActivatorRefusesIsNotReady(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.controller = becomesReady
	s.activator(`{"function":"shop/greet","state":"refused","fault":"the token is another"}`)
	c := connected(t, s)
	if _, err := c.Apply(t.Context(), greet(t), Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Wait(t.Context(), greet(t), nil); !errors.Is(err, ErrNotReady) || !strings.Contains(err.Error(), "the activator refuses it: the token is another") {
		t.Error(err)
	}
}

func TestTheActivatorIsAskedWhereItIsSaidToBe(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.controller = becomesReady
	s.plain["/api/functions"] = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("it got the credentials of the API server")
		}
		_, _ = io.WriteString(w, "["+fresh+"]")
	}
	c := connected(t, s, func(a *Access) { a.Admin = "127.0.0.1:1" })
	c.access.Admin = c.base.Host
	if _, err := c.Apply(t.Context(), greet(t), Options{}); err != nil {
		t.Fatal(err)
	}
	if f, err := c.Wait(t.Context(), greet(t), nil); err != nil || !f.Visible {
		t.Errorf("%+v, %v", f, err)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestAWaitThatIsBrokenOffSaysSo(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.at(greetPath, `{"metadata":{"name":"greet","namespace":"shop","generation":1},"status":`+notReady+`}`)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := connected(t, s).Wait(ctx, greet(t), func(string) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
