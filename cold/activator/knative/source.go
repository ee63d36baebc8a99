package knative

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/dubbofn/dubbofn/cold/activator"
)

// Config says which functions a [Source] knows. Its zero value: those of all namespaces.
type Config struct {
	// Namespaces to look in. Default: all, for which the role must be a cluster's.
	Namespaces []string
	// Log is told when the API server can't be reached, and again. Default: nothing is logged.
	Log *slog.Logger
}

// Source is an [activator.Source] of the Knative Services that carry [Label].
type Source struct {
	client dynamic.Interface
	config Config
}

// New gives the source behind a client of the API server.
func New(client dynamic.Interface, c Config) *Source {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if len(c.Namespaces) == 0 {
		c.Namespaces = []string{metav1.NamespaceAll}
	}
	return &Source{client: client, config: c}
}

// InCluster gives the source of a process that runs in a pod, with its service account.
func InCluster(c Config) (*Source, error) {
	access, err := rest.InClusterConfig()
	if err != nil {
		return nil, fmt.Errorf("functions of Knative: not in a pod with a service account: %w", err)
	}
	access.UserAgent = "dubbofn-activator"
	client, err := dynamic.NewForConfig(access)
	if err != nil {
		return nil, fmt.Errorf("functions of Knative: %w", err)
	}
	return New(client, c), nil
}

func resource(name string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "serving.knative.dev", Version: "v1", Resource: name}
}

// Watch is [activator.Source]'s. A Knative Service that no Knative revision serves yet is left out until one does. The error says what
// of the first state can't be read: Knative is not installed, or the role lacks a rule.
func (s *Source) Watch(ctx context.Context, each func([]activator.Function)) error {
	changed := make(chan struct{}, 1)
	services, revisions, err := s.caches(ctx, changed)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	var running sync.WaitGroup
	defer running.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop() // before the wait
	for _, i := range append(services, revisions...) {
		running.Go(func() { i.RunWithContext(ctx) })
	}
	for _, i := range append(services, revisions...) {
		if !cache.WaitForCacheSync(ctx.Done(), i.HasSynced) {
			return nil
		}
	}
	var last []activator.Function
	for first := true; ; first = false {
		now := functions(objects(services), objects(revisions), last)
		if first || !slices.EqualFunc(now, last, same) {
			each(now)
			last = now
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// caches makes one informer a namespace and a resource, not yet running, after a look whether they may be read at all: an informer
// tries for ever, whatever the reason.
func (s *Source) caches(ctx context.Context, changed chan<- struct{}) (services, revisions []cache.SharedIndexInformer, err error) {
	for _, namespace := range s.config.Namespaces {
		for name, to := range map[string]*[]cache.SharedIndexInformer{"services": &services, "revisions": &revisions} {
			from := s.client.Resource(resource(name)).Namespace(namespace)
			if _, err := from.List(ctx, metav1.ListOptions{LabelSelector: selector, Limit: 1}); err != nil {
				return nil, nil, fmt.Errorf("functions of Knative: list %s.serving.knative.dev of %s: %w", name, where(namespace), err)
			}
			i, err := s.informer(from, changed)
			if err != nil {
				return nil, nil, fmt.Errorf("functions of Knative: watch %s of %s: %w", name, where(namespace), err)
			}
			*to = append(*to, i)
		}
	}
	return services, revisions, nil
}

const selector = Label + "=true"

func where(namespace string) string {
	if namespace == metav1.NamespaceAll {
		return "all namespaces"
	}
	return fmt.Sprintf("namespace %q", namespace)
}

func (s *Source) informer(from dynamic.ResourceInterface, changed chan<- struct{}) (cache.SharedIndexInformer, error) {
	i := cache.NewSharedIndexInformer(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = selector
			return from.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = selector
			return from.Watch(ctx, o)
		},
	}, &unstructured.Unstructured{}, 0, nil)
	poke := func() {
		select {
		case changed <- struct{}{}:
		default: // the one that is waiting will see this change too
		}
	}
	_, err := i.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { poke() },
		UpdateFunc: func(any, any) { poke() },
		DeleteFunc: func(any) { poke() },
	})
	return i, errors.Join(err,
		i.SetTransform(slim),
		i.SetWatchErrorHandlerWithContext(func(ctx context.Context, _ *cache.Reflector, err error) {
			if ctx.Err() == nil { // a watch that the server ends in its time comes here as well, and is renewed
				s.config.Log.Info("functions of Knative: the watch ended; what is known of them stands until the next one", "cause", err)
			}
		}))
}

// objects gives what the caches hold.
func objects(caches []cache.SharedIndexInformer) []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for _, c := range caches {
		for _, o := range c.GetStore().List() {
			if u, ok := o.(*unstructured.Unstructured); ok {
				all = append(all, u)
			}
		}
	}
	return all
}

// slim drops what nobody here reads, half of an object, before it is kept.
func slim(o any) (any, error) {
	if u, ok := o.(*unstructured.Unstructured); ok {
		u.SetManagedFields(nil)
		a := u.GetAnnotations()
		delete(a, "kubectl.kubernetes.io/last-applied-configuration")
		u.SetAnnotations(a)
	}
	return o, nil
}
