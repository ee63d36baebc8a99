package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Trouble is why a function does not get ready, and what to do. It is an [ErrNotReady].
type Trouble struct {
	Function string   `json:"function"`         // "NAMESPACE/NAME"
	What     string   `json:"what"`             // in a line
	Why      []string `json:"why,omitempty"`    // what Kubernetes and Knative say
	Events   []string `json:"events,omitempty"` // what happened to its pods, the newest last
	Log      []string `json:"log,omitempty"`    // the last lines of the function's container
	Mend     string   `json:"mend"`             // a command, or what to change
}

// Error gives all of it, in lines.
func (t *Trouble) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "function %s: %s", t.Function, t.What)
	for _, part := range []struct {
		title string
		lines []string
	}{{"", t.Why}, {"events:", t.Events}, {"its log ends with:", t.Log}} {
		if part.title != "" && len(part.lines) > 0 {
			b.WriteString("\n  " + part.title)
		}
		for _, l := range part.lines {
			b.WriteString("\n    " + l)
		}
	}
	if t.Mend != "" {
		b.WriteString("\n  to mend it: " + t.Mend)
	}
	return b.String()
}

// Unwrap gives the kind.
func (t *Trouble) Unwrap() error { return ErrNotReady }

// patient looks at a function that is not ready: what is wrong with the revision that is to be, if that can be told already.
type patient struct {
	c               *Cluster
	namespace, name string
	svc             service
	pods            []pod
	revision        conditions
}

func (c *Cluster) patient(ctx context.Context, namespace, name string, s service) (*patient, error) {
	p := &patient{c: c, namespace: namespace, name: name, svc: s}
	if s.Status.Created == "" {
		return p, nil
	}
	var r struct {
		Status struct{ conditions } `json:"status"`
	}
	if _, err := c.read(ctx, knativeRevision(), namespace, s.Status.Created, &r); err == nil {
		p.revision = r.Status.conditions
	}
	var err error
	p.pods, err = c.podsOf(ctx, namespace, revisionLabel, s.Status.Created)
	return p, err
}

// diagnose gives what is wrong, or nil: nothing so far.
func (p *patient) diagnose() *Trouble {
	for i := range p.pods {
		if t := p.ofPod(&p.pods[i]); t != nil {
			return t
		}
	}
	for _, kind := range []string{"ContainerHealthy", "ResourcesAvailable"} {
		c := p.revision.of(kind)
		switch {
		case c.Status != "False":
		case c.Reason == "ContainerMissing":
			return p.trouble("its image can't be found: "+c.Message, p.mendImage(c.Message))
		default:
			return p.trouble(fmt.Sprintf("Knative gives its revision %s up: %s", p.svc.Status.Created, c.Message), "dubbofn logs -n "+p.namespace+" "+p.name+" --previous")
		}
	}
	if c := p.svc.Status.of("Ready"); c.Status == "False" {
		return p.trouble("Knative says: "+c.Message, p.describe())
	}
	return nil
}

func (p *patient) describe() string {
	return fmt.Sprintf("dubbofn describe --deployed %s -n %s", p.name, p.namespace)
}

func (p *patient) ofPod(d *pod) *Trouble {
	if d.ending {
		return nil
	}
	if c := d.Status.of("PodScheduled"); c.Status == "False" {
		return p.trouble("no node takes its pod: "+c.Message, "ask for less (--cpu, --memory), or make room ('kubectl describe nodes' tells what is taken)")
	}
	s, ok := d.function()
	if !ok {
		return nil
	}
	if w := s.State.Waiting; w != nil {
		switch w.Reason {
		case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable":
			return p.trouble(fmt.Sprintf("its image %s can't be pulled (%s)", p.image(s), w.Reason), p.mendImage(w.Message), w.Message)
		case "CreateContainerConfigError":
			return p.ofConfig(w.Message)
		case "CreateContainerError", "RunContainerError", "StartError":
			return p.trouble("its program can't be started ("+w.Reason+")", "build it for the nodes' platform, static, as the image's entry point: 'dubbofn build' does", w.Message)
		}
	}
	return p.ofEnd(s)
}

func (p *patient) image(s containerStatus) string {
	if i := p.svc.image(); i != "" {
		return i
	}
	return s.Image
}

func (p *patient) mendImage(message string) string {
	m := strings.ToLower(message)
	switch {
	case strings.Contains(m, "unauthorized"), strings.Contains(m, "denied"), strings.Contains(m, "authentication"), strings.Contains(m, "403 forbidden"):
		return fmt.Sprintf("the registry wants a login: kubectl -n %s create secret docker-registry registry-login --docker-server=… --docker-username=… --docker-password=… && kubectl -n %s patch serviceaccount default -p '{\"imagePullSecrets\":[{\"name\":\"registry-login\"}]}'",
			p.namespace, p.namespace)
	case strings.Contains(m, "http response to https"):
		return "the registry speaks no TLS, and the nodes' container runtime must be told so (containerd: hosts.toml), or give the registry a certificate"
	case strings.Contains(m, "no such host"), strings.Contains(m, "connection refused"), strings.Contains(m, "i/o timeout"):
		return "the nodes do not reach the registry by that name: push it to one that they do reach (dubbofn deploy DIR --push REPOSITORY)"
	case strings.Contains(m, "no match for platform"), strings.Contains(m, "no child with platform"):
		return "the image is for other machines than the nodes: dubbofn build DIR --platform linux/amd64,linux/arm64"
	}
	return "push it (dubbofn deploy DIR --push REPOSITORY), or give one that is there (--image)"
}

// ofConfig is a container that Kubernetes can't make.
func (p *patient) ofConfig(message string) *Trouble {
	if strings.Contains(message, "runAsNonRoot") || strings.Contains(message, "run as root") {
		return p.trouble("its image's user is root or has a name, and Kubernetes runs neither here", "give the image a numeric user (USER 65532): 'dubbofn build' does", message)
	}
	if name, ok := quoted(message, "secret "); ok {
		mend := fmt.Sprintf("kubectl -n %s create secret generic %s --from-literal=…", p.namespace, name)
		if name == defaultToken {
			mend = fmt.Sprintf("kubectl -n %s create secret generic %s --from-literal=token=\"$(kubectl -n %s get secret %s -o jsonpath='{.data.token}' | base64 -d)\"",
				p.namespace, name, p.c.access.ActivatorNamespace, name)
		}
		return p.trouble(fmt.Sprintf("namespace %s has no Secret %q, which the function needs", p.namespace, name), mend, message)
	}
	return p.trouble("Kubernetes can't make its container", p.describe(), message)
}

const defaultToken = "dubbofn-token" // the Secret that package deploy names

// quoted gives what stands in quotes behind a word.
func quoted(text, word string) (string, bool) {
	_, after, ok := strings.Cut(text, word+`"`)
	if !ok {
		return "", false
	}
	name, _, ok := strings.Cut(after, `"`)
	return name, ok
}

// ofEnd is a program that ended.
func (p *patient) ofEnd(s containerStatus) *Trouble {
	end := s.State.Terminated
	if end == nil {
		end = s.Last.Terminated
	}
	if end == nil || s.State.Running != nil && s.Ready {
		return nil
	}
	why := []string{fmt.Sprintf("exit code %d, reason %s, started again %d times", end.Exit, end.Reason, s.Restarts)}
	if end.Message != "" {
		why = append(why, end.Message)
	}
	switch {
	case end.Reason == "OOMKilled":
		return p.trouble("its program took more memory than it may, and was killed", "give it more: --memory-limit 512Mi", why...)
	case end.Reason == "StartError" || end.Exit == 128: // what runc could not start
		return p.trouble("its program can't be started", "build it for the nodes' platform, static, as the image's entry point: 'dubbofn build' does", why...)
	case end.Exit == 0:
		return p.trouble("its program ends instead of serving: does its main call serve.Main?", fmt.Sprintf("dubbofn logs -n %s %s --previous", p.namespace, p.name), why...)
	}
	return p.trouble(fmt.Sprintf("its program ends when it starts, with exit code %d", end.Exit), fmt.Sprintf("dubbofn logs -n %s %s --previous tells more; mend it and deploy again", p.namespace, p.name), why...)
}

func (p *patient) trouble(what, mend string, why ...string) *Trouble {
	t := &Trouble{Function: p.namespace + "/" + p.name, What: strings.TrimSpace(what), Mend: mend}
	for _, w := range why {
		t.Why = append(t.Why, strings.TrimSpace(w))
	}
	return t
}

// late is what is said of a function that has no fault that can be named, and yet is not ready in time.
func (p *patient) late() *Trouble {
	if t := p.diagnose(); t != nil {
		return t
	}
	for i := range p.pods {
		if s, ok := p.pods[i].function(); ok && s.State.Running != nil && !s.Ready {
			return p.trouble("its program runs and does not say that it is ready (GET /health/ready)", fmt.Sprintf("dubbofn logs -n %s %s tells what it waits for; --wait waits longer", p.namespace, p.name))
		}
	}
	c := p.svc.Status.of("Ready")
	return p.trouble("it is not ready in time", "wait longer (--wait), or look: "+p.describe(), c.String())
}

const (
	shownLines  = 20
	shownEvents = 6
	maxLog      = 64 << 10
	maxLine     = 500
)

// evidence adds what only matters once it is certain that something is wrong.
func (p *patient) evidence(ctx context.Context, t *Trouble) {
	for _, k := range []struct {
		kind
		name string
	}{{knativeService(), p.name}, {knativeConfiguration(), p.name}, {knativeRevision(), p.svc.Status.Created}} {
		if k.name == "" {
			continue
		}
		var o struct {
			Status struct{ conditions } `json:"status"`
		}
		if _, err := p.c.read(ctx, k.kind, p.namespace, k.name, &o); err != nil {
			continue // what is said already must do
		}
		for _, c := range o.Status.Conditions {
			if (c.Status == "False" || len(t.Why) == 0) && c.Status != "True" && c.Message != "" && !slices.ContainsFunc(t.Why, func(w string) bool { return strings.Contains(w, c.Message) }) && !strings.Contains(t.What, c.Message) {
				c.Object = k.kind.name + " " + k.name
				t.Why = append(t.Why, shorten(c.String()))
			}
		}
	}
	for _, d := range slices.Backward(p.pods) {
		if s, ok := d.function(); ok && !d.ending {
			t.Log = p.c.tail(ctx, p.namespace, d.name, s)
			t.Events = p.c.eventsOf(ctx, p.namespace, d.name)
			return
		}
	}
	t.Events = p.c.eventsOf(ctx, p.namespace, p.name)
}

// tail gives the last lines of a container; of the process before, where this one has none.
func (c *Cluster) tail(ctx context.Context, namespace, pod string, s containerStatus) []string {
	for _, previous := range []bool{s.Restarts > 0, false} {
		q := url.Values{"container": {s.Name}, "tailLines": {strconv.Itoa(shownLines)}, "limitBytes": {strconv.Itoa(maxLog)}}
		if previous {
			q.Set("previous", "true")
		}
		resp, err := c.get(ctx, q, "api/v1/namespaces", namespace, "pods", pod, "log")
		if err != nil {
			continue
		}
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxLog)) // what came is shown
		_ = resp.Body.Close()
		var lines []string
		for l := range strings.Lines(string(text)) {
			lines = append(lines, shorten(strings.TrimRight(l, "\r\n")))
		}
		if len(lines) > 0 {
			return lines[max(0, len(lines)-shownLines):]
		}
	}
	return nil
}

func shorten(line string) string {
	if r := []rune(line); len(r) > maxLine {
		return string(r[:maxLine]) + "…"
	}
	return line
}

// eventsOf gives the warnings about an object; none where they may not be read.
func (c *Cluster) eventsOf(ctx context.Context, namespace, name string) []string {
	found, err := c.list(ctx, events(), namespace, metav1.ListOptions{FieldSelector: "involvedObject.name=" + name})
	if err != nil {
		return nil
	}
	type event struct {
		Type    string `json:"type"`
		Reason  string `json:"reason"`
		Message string `json:"message"`
		Last    string `json:"lastTimestamp"`
		Count   int    `json:"count"`
	}
	var all []event
	for i := range found {
		var e event
		b, err := found[i].MarshalJSON()
		if err == nil && json.Unmarshal(b, &e) == nil && e.Type == "Warning" {
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b event) int { return strings.Compare(a.Last, b.Last) }) // RFC 3339, in UTC
	var lines []string
	for _, e := range all[max(0, len(all)-shownEvents):] {
		line := e.Reason + ": " + strings.Join(strings.Fields(e.Message), " ")
		if e.Count > 1 {
			line = fmt.Sprintf("%d × %s", e.Count, line)
		}
		lines = append(lines, shorten(line))
	}
	return lines
}
