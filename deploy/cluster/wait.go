package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	// settle is how long the same fault must stand before it is believed: a registry may be slow once, a Secret may come.
	settle = 4 * time.Second
	// settleAgain is the same where the fault was there before anything was deployed: somebody may have mended it, and Kubernetes tries again after
	// a pause only.
	settleAgain = 45 * time.Second
	// activatorPatience is how long the activator may not answer, as when it is being replaced.
	activatorPatience = 20 * time.Second
	// evidenceTime is how long what is wrong may be looked at once the time is up.
	evidenceTime = 10 * time.Second
)

// Wait waits until Knative serves what was applied, and the activator has it where consumers look. tell hears in a few words what is waited
// for, whenever that changes; it may be nil. The error is a [*Trouble] where something is wrong with the function. Where there is no activator,
// or it may not be asked, that is no error: the result's Note says so, and what to do.
func (c *Cluster) Wait(ctx context.Context, r Release, tell func(string)) (Function, error) {
	if r.Function.Namespace == "" {
		r.Function.Namespace = c.access.Namespace
	}
	w := &waiting{c: c, release: r, tell: once(tell)}
	if err := w.ready(ctx); err != nil {
		return w.result(), c.explain(fmt.Sprintf("wait for %q", r.Function.Name), err)
	}
	for _, t := range r.Triggers {
		if err := w.triggerReady(ctx, t.Name); err != nil {
			return w.result(), c.explain(fmt.Sprintf("wait for trigger %q", t.Name), err)
		}
	}
	w.old = false
	if err := w.visible(ctx); err != nil {
		return w.result(), c.explain(fmt.Sprintf("wait for the activator to have %q", r.Function.Name), err)
	}
	return w.result(), nil
}

// once passes on what is not what was said last.
func once(tell func(string)) func(string) {
	last := ""
	return func(s string) {
		if tell != nil && s != last {
			tell(s)
		}
		last = s
	}
}

type waiting struct {
	c       *Cluster
	release Release
	tell    func(string)
	object  *unstructured.Unstructured
	svc     service
	seen    seen
	note    string

	looked bool
	old    bool   // the fault was there at the first look
	fault  string // what was wrong at the last look
	since  time.Time
}

func (w *waiting) result() Function {
	if w.object == nil {
		return Function{Namespace: w.release.namespace(), Name: w.release.Function.Name}
	}
	f := functionOf(w.object, &w.svc)
	f.State, f.Visible, f.Note = w.seen.State, w.seen.Visible, w.note
	return f
}

// pause waits a little; false: ctx has ended.
func (c *Cluster) pause(ctx context.Context) bool {
	t := time.NewTimer(c.pace)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (w *waiting) ready(ctx context.Context) error {
	w.tell("Knative to take it")
	for {
		if err := w.look(ctx); err != nil {
			if ctx.Err() == nil {
				return err
			}
		} else if w.isReady() {
			return nil
		}
		p, err := w.c.patient(ctx, w.release.namespace(), w.release.Function.Name, w.svc)
		if err != nil && ctx.Err() == nil && !apierrors.IsForbidden(err) { // without a look at pods, Knative's words must do
			return err
		}
		if ctx.Err() == nil {
			t := p.current(w.object)
			w.old, w.looked = t != nil && (w.old || !w.looked), true
			if w.believed(t) != nil {
				p.evidence(ctx, t)
				return t
			}
			w.tell(w.progress(p))
		}
		if !w.c.pause(ctx) {
			return w.late(ctx)
		}
	}
}

// current is what is wrong with what was applied last; of what was before it, Knative may speak still.
func (p *patient) current(u *unstructured.Unstructured) *Trouble {
	if p.svc.Status.Observed < u.GetGeneration() {
		return nil
	}
	return p.diagnose()
}

func (w *waiting) look(ctx context.Context) (err error) {
	var s service
	u, err := w.c.read(ctx, knativeService(), w.release.namespace(), w.release.Function.Name, &s)
	if err == nil {
		w.object, w.svc = u, s
	}
	return err
}

func (w *waiting) isReady() bool {
	s := &w.svc.Status
	return s.Observed >= w.object.GetGeneration() && s.of("Ready").Status == "True" && s.Ready != "" && s.Ready == s.Created
}

// progress says what is being waited for.
func (w *waiting) progress(p *patient) string {
	revision := w.svc.Status.Created
	switch {
	case w.svc.Status.Observed < w.object.GetGeneration() || revision == "":
		return "Knative to take it"
	case len(p.pods) == 0:
		return fmt.Sprintf("revision %s: a pod", revision)
	}
	if w.old {
		return fmt.Sprintf("revision %s: Kubernetes to try again", revision)
	}
	d := p.pods[len(p.pods)-1]
	s, ok := d.function()
	switch {
	case !ok || s.State.Waiting != nil:
		return fmt.Sprintf("revision %s: the image, and its container", revision)
	case !s.Ready:
		return fmt.Sprintf("revision %s: the program to be ready", revision)
	}
	return fmt.Sprintf("revision %s: Knative to send calls there", revision)
}

// believed gives a fault that has stood for a while.
func (w *waiting) believed(t *Trouble) *Trouble {
	if t == nil {
		w.fault = ""
		return nil
	}
	kind, _, _ := strings.Cut(t.What, "(") // reasons alternate
	if w.fault != kind {
		w.fault, w.since = kind, time.Now()
	}
	wait := w.c.settle
	if w.old {
		wait = w.c.settleAgain
	}
	if time.Since(w.since) < wait {
		return nil
	}
	return t
}

// late looks once more, when the time is up, or says that nobody waits any more.
func (w *waiting) late(ctx context.Context) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) || w.object == nil {
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), evidenceTime)
	defer cancel()
	p, err := w.c.patient(ctx, w.release.namespace(), w.release.Function.Name, w.svc)
	if err != nil && !apierrors.IsForbidden(err) {
		return err
	}
	t := p.late()
	p.evidence(ctx, t)
	return t
}

func (w *waiting) triggerReady(ctx context.Context, name string) error {
	w.tell("trigger " + name)
	for {
		var t struct {
			Status struct {
				conditions
				Observed int64 `json:"observedGeneration"`
			} `json:"status"`
		}
		u, err := w.c.read(ctx, trigger(), w.release.namespace(), name, &t)
		if err != nil && ctx.Err() == nil {
			return err
		}
		if err == nil && t.Status.Observed >= u.GetGeneration() && t.Status.of("Ready").Status == "True" {
			return nil
		}
		ready := t.Status.of("Ready")
		p := &patient{c: w.c, namespace: w.release.namespace(), name: w.release.Function.Name, svc: w.svc}
		fault := p.trouble(fmt.Sprintf("trigger %q is not ready: %s", name, ready.Message), fmt.Sprintf("kubectl -n %s get broker,trigger; 'dubbofn render broker' makes a broker", w.release.namespace()), ready.String())
		if ready.Status != "False" {
			w.fault = ""
		} else if w.believed(fault) != nil {
			return fault
		}
		if !w.c.pause(ctx) {
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fault
			}
			return ctx.Err()
		}
	}
}

// visible waits until the activator has the function, as it is now, where consumers look.
func (w *waiting) visible(ctx context.Context) error {
	w.tell("the activator to show it to consumers")
	name, down := w.release.namespace()+"/"+w.release.Function.Name, time.Time{}
	for {
		all, err := w.c.ask(ctx)
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, errActivatorDown):
			if down.IsZero() {
				down = time.Now()
			}
			if time.Since(down) > w.c.activator {
				return w.unseen(err.Error())
			}
		case err != nil:
			w.note = w.c.unasked(err)
			return nil
		default:
			down = time.Time{}
			w.seen = all[name]
			if w.seen.Visible && w.seen.Fault == "" && w.isSeen() {
				return nil
			}
			if fault := w.seen.Fault; fault == "" {
				w.fault = ""
			} else if w.believed(&Trouble{What: fault}) != nil {
				return w.unseen("the activator refuses it: " + fault)
			}
		}
		if !w.c.pause(ctx) {
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return w.unseen(w.missing())
			}
			return ctx.Err()
		}
	}
}

// isSeen tells whether the activator serves what was deployed, and not what was there before.
func (w *waiting) isSeen() bool {
	return w.seen.KnativeRevision == w.svc.Status.Ready || w.seen.Revision != "" && w.seen.Revision == readOffer(string(w.release.Function.Manifest)).Revision
}

func (w *waiting) missing() string {
	switch {
	case w.seen.Function == "":
		return "Knative serves it, and the activator does not know it"
	case !w.seen.Visible:
		return "the activator has it, and did not get it into the registry"
	}
	return fmt.Sprintf("the activator serves what was there before (revision %s)", w.seen.KnativeRevision)
}

func (w *waiting) unseen(what string) *Trouble {
	ns := w.c.access.ActivatorNamespace
	return &Trouble{
		Function: w.release.namespace() + "/" + w.release.Function.Name, What: what,
		Mend: fmt.Sprintf("kubectl -n %s logs -l app.kubernetes.io/name=%s tells why; it must watch namespace %s ('dubbofn render activator --watch')", ns, activatorName, w.release.namespace()),
	}
}

// unasked says why nobody could ask the activator, and what that means.
func (c *Cluster) unasked(err error) string {
	switch {
	case errors.Is(err, errNoActivator):
		return fmt.Sprintf("%v: Knative serves the function, and no Dubbo consumer finds it. 'dubbofn render activator --image IMAGE --registry URL | kubectl apply -f -' deploys one; --activator-namespace or --admin says where it is otherwise", err)
	case errors.Is(err, ErrForbidden):
		return fmt.Sprintf("whether consumers find it can't be told: %v; or give its port with --admin", err)
	}
	return fmt.Sprintf("whether consumers find it can't be told: %v", err)
}
