package nacos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
	"github.com/nacos-group/nacos-sdk-go/v2/common/security"
	"github.com/nacos-group/nacos-sdk-go/v2/model"

	"github.com/dubbofn/dubbofn/registry"
)

// slot is what this connection holds under one service name. Nacos keeps one entry for each connection and service: an
// instance, or a batch of them. So all leases of this registry that stand under a name are sent together, one request at a time.
type slot struct {
	name string

	mu    sync.Mutex // held by the request on its way
	dirty bool       // what the server has may not be what is wanted; this and the following are guarded by the center's mutex
	want  map[*lease]model.Instance
	last  model.Instance // one that was wanted, to name it when none is
	sent  bool           // the server may have something of ours; false: there is nothing to take away
}

// entry is what a lease wants to be under one name.
func entry(i registry.Instance) model.Instance {
	return model.Instance{
		Ip: i.Host, Port: uint64(i.Port), Metadata: i.Metadata,
		Weight: 1, Healthy: true, Enable: true, Ephemeral: true, ClusterName: "DEFAULT",
	}
}

// apply sends what is wanted under a name. It runs to its end even when ctx ends first, so that no request overtakes another;
// the caller does not wait longer than ctx.
func (c *center) apply(ctx context.Context, s *slot) error {
	if !c.begin() {
		return registry.ErrClosed
	}
	done := make(chan error, 1)
	go func() {
		defer c.wg.Done()
		s.mu.Lock()
		defer s.mu.Unlock()
		c.mu.Lock()
		wanted := slices.Collect(maps.Values(s.want))
		last, sent := s.last, s.sent
		s.dirty = false
		c.mu.Unlock()
		if len(wanted) == 0 && !sent {
			done <- nil
			return
		}
		err := c.send(context.WithoutCancel(ctx), s.name, wanted, last)
		var refused *registry.Refusal
		c.mu.Lock()
		s.dirty = s.dirty || err != nil
		s.sent = sent
		if err == nil || !errors.As(err, &refused) {
			s.sent = err != nil || len(wanted) > 0
		}
		c.mu.Unlock()
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		c.mu.Lock()
		s.dirty = true
		c.mu.Unlock()
		return fmt.Errorf("register %s: %w", s.name, ctx.Err())
	}
}

// send makes the server's entry what is wanted. It takes as long as the SDK's timeouts.
func (c *center) send(ctx context.Context, name string, wanted []model.Instance, last model.Instance) error {
	slices.SortFunc(wanted, func(a, b model.Instance) int { return strings.Compare(instanceKey(a), instanceKey(b)) })
	// two leases on one address: the server can hold only one of them
	wanted = slices.CompactFunc(wanted, func(a, b model.Instance) bool { return instanceKey(a) == instanceKey(b) })
	var req rpc_request.IRequest
	what := "instance of " + name
	switch len(wanted) {
	case 0:
		what = "deregistration of " + name
		req = rpc_request.NewInstanceRequest(namingNamespace(c.s.namespace), name, c.s.group, "deregisterInstance", last)
	case 1:
		req = rpc_request.NewInstanceRequest(namingNamespace(c.s.namespace), name, c.s.group, "registerInstance", wanted[0])
	default:
		req = rpc_request.NewBatchInstanceRequest(namingNamespace(c.s.namespace), name, c.s.group, "batchRegisterInstance", wanted)
	}
	r, err := c.naming.ask(ctx, req, security.BuildNamingResourceByRequest(req))
	if err != nil {
		return fmt.Errorf("register %s: %w", name, err)
	}
	return refusal(what, r)
}

func instanceKey(i model.Instance) string { return fmt.Sprintf("%s:%d", i.Ip, i.Port) }

// query asks for all instances under a name.
func (c *center) query(ctx context.Context, name string) (model.Service, error) {
	req := rpc_request.NewServiceQueryRequest(namingNamespace(c.s.namespace), name, c.s.group, "", false, 0)
	r, err := c.naming.ask(ctx, req, security.BuildNamingResourceByRequest(req))
	if err != nil {
		return model.Service{}, fmt.Errorf("look up instances of %s: %w", name, err)
	}
	q, ok := r.(*rpc_response.QueryServiceResponse)
	if !ok || !q.IsSuccess() {
		return model.Service{}, refusal("looking up instances of "+name, r)
	}
	return q.ServiceInfo, nil
}

// subscribe asks for all instances under a name and to be told of changes.
func (c *center) subscribe(ctx context.Context, name string, on bool) (model.Service, error) {
	req := rpc_request.NewSubscribeServiceRequest(namingNamespace(c.s.namespace), name, c.s.group, "", on)
	req.Headers["app"] = "dubbofn"
	r, err := c.naming.ask(ctx, req, security.BuildNamingResourceByRequest(req))
	if err != nil {
		return model.Service{}, fmt.Errorf("watch instances of %s: %w", name, err)
	}
	q, ok := r.(*rpc_response.SubscribeServiceResponse)
	if !ok || !q.IsSuccess() {
		return model.Service{}, refusal("watching instances of "+name, r)
	}
	return q.ServiceInfo, nil
}

// held tells whether the server's answer has every wanted instance as it is wanted.
func held(s model.Service, wanted []model.Instance) bool {
	have := map[string]model.Instance{}
	for _, h := range s.Hosts {
		have[instanceKey(h)] = h
	}
	for _, w := range wanted {
		if h, ok := have[instanceKey(w)]; !ok || !maps.Equal(h.Metadata, w.Metadata) {
			return false
		}
	}
	return true
}

// usable turns the server's answer into what look-ups give: healthy and enabled instances, sorted.
func usable(n registry.Name, s model.Service) []registry.Instance {
	var all []registry.Instance
	for _, h := range s.Hosts {
		if !h.Healthy || !h.Enable || h.Weight <= 0 {
			continue
		}
		app := n.App
		if app == "" {
			app = h.Metadata["application"]
		}
		all = append(all, registry.Instance{App: app, Host: h.Ip, Port: int(h.Port), Metadata: h.Metadata})
	}
	registry.SortInstances(all)
	return all
}

// namingNamespace gives the naming service's name of a namespace: unlike the config service it wants the public one's.
func namingNamespace(n string) string {
	if n == "" {
		return constant.DEFAULT_NAMESPACE_ID
	}
	return n
}
