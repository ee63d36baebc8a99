package nacos

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"

	"github.com/dubbofn/dubbofn/registry"
)

// TestAPatternFindsEveryServiceItMeans, those too that come later (Java: NacosRegistry.filterServiceNames, 3.3.6).
func TestAPatternFindsEveryServiceItMeans(t *testing.T) {
	t.Parallel()
	f, c := newFake(t, 60*time.Millisecond)
	f.stand("providers:org.example.Users:1.0:", 1)
	f.stand("providers:org.example.Users:1.0:a", 2)
	f.stand("providers:org.example.Users:2.0:b", 3)
	f.stand("providers:org.example.UsersToo:1.0:a", 4)
	f.stand("consumers:org.example.Users:1.0:a", 5)
	f.stand("providers:org.example.Users:1.0:b", 6)
	f.stand("users", 7)
	f.stand("providers:org.example.Users:1.0", 8) // as Dubbo 2.7.3 had it
	for want, p := range map[string]registry.Name{
		"[2]":       {Version: "*", Group: "a"},
		"[1 2 3 6]": {Version: "*", Group: "*"},
		"[1 2 6]":   {Version: "1.0", Group: "*"},
		"[2 3 6]":   {Version: "*", Group: "a,b"},
		"[]":        {Version: "1.0", Group: "c,d"},
		"[1]":       {Version: "*"},
		"[3]":       {Version: "2.0", Group: "x,b"},
	} {
		p.Interface = "org.example.Users"
		all, err := c.Instances(t.Context(), p)
		if got := fmt.Sprint(ports(all)); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", p, got, err, want)
		}
	}
}

func TestAPatternIsFollowed(t *testing.T) {
	t.Parallel()
	f, c := newFake(t, 60*time.Millisecond)
	f.stand("providers:org.example.Users:1.0:a", 1)
	f.stand("providers:org.example.Users:1.0:b", 2, 3)
	ctx, cancel := context.WithCancel(t.Context())
	got, ended := make(chan string, 100), make(chan error, 1)
	go func() {
		ended <- c.WatchInstances(ctx, registry.Name{Interface: "org.example.Users", Version: "1.0", Group: "*"}, func(all []registry.Instance) { got <- fmt.Sprint(ports(all)) })
	}()
	if first := <-got; first != "[1 2 3]" {
		t.Errorf("first %s, want the whole", first)
	}
	n := rpc_request.NewNamingRequest("public", "providers:org.example.Users:1.0:b", "DEFAULT_GROUP")
	c.notified(&rpc_request.NotifySubscriberRequest{NamingRequest: n, ServiceInfo: f.stand("providers:org.example.Users:1.0:b", 3)})
	until(t, got, "[1 3]")
	f.stand("providers:org.example.Users:1.0:c", 4)
	until(t, got, "[1 3 4]")
	f.mu.Lock()
	delete(f.hosts, "providers:org.example.Users:1.0:a") // Nacos takes empty services away
	f.mu.Unlock()
	until(t, got, "[3 4]")
	f.stand("providers:org.example.Users:1.0:a", 5)
	until(t, got, "[3 4 5]")
	f.mu.Lock()
	f.refuse["ServiceListRequest"] = 500 // the last state stands
	f.mu.Unlock()
	time.Sleep(100 * time.Millisecond)
	f.mu.Lock()
	delete(f.refuse, "ServiceListRequest")
	f.mu.Unlock()
	f.stand("providers:org.example.Users:1.0:d", 6)
	until(t, got, "[3 4 5 6]")
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("the watch ended with %v", err)
	}
}

// TestAPatternThatCantBeListedEndsItsWatch, at first, and closing the registry does so later.
func TestAPatternThatCantBeListedEndsItsWatch(t *testing.T) {
	t.Parallel()
	f, c := newFake(t, time.Hour)
	p := registry.Name{Interface: "org.example.Users", Version: "*"}
	f.stand("providers:org.example.Users:1.0:", 1)
	var refused *registry.Refusal
	for _, kind := range []string{"ServiceListRequest", "SubscribeServiceRequest"} {
		f.mu.Lock()
		f.refuse[kind] = 403
		f.mu.Unlock()
		if err := c.WatchInstances(t.Context(), p, func([]registry.Instance) { t.Error("called back") }); !errors.As(err, &refused) {
			t.Errorf("%s refused: the watch ended with %v", kind, err)
		}
		f.mu.Lock()
		delete(f.refuse, kind)
		f.mu.Unlock()
	}
	first := make(chan struct{}, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- c.WatchInstances(t.Context(), p, func([]registry.Instance) { first <- struct{}{} })
	}()
	<-first
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, registry.ErrClosed) {
		t.Errorf("closed: the watch ended with %v", err)
	}
}

func ports(all []registry.Instance) []int {
	list := []int{}
	for _, i := range all {
		list = append(list, i.Port)
	}
	return list
}
