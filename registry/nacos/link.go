package nacos

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/common/nacos_server"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
	"github.com/nacos-group/nacos-sdk-go/v2/common/security"

	"github.com/dubbofn/dubbofn/registry"
)

// link is one connection of the SDK: it reconnects by itself, to any of the servers, and tells when it has.
type link struct {
	client  *rpc.RpcClient
	server  *nacos_server.NacosServer
	timeout time.Duration
	stop    context.CancelFunc

	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup // requests on their way
}

// pushed is a kind of request that the server sends.
type pushed struct {
	empty  func() rpc_request.IRequest
	handle func(rpc_request.IRequest)
}

// Name is what the SDK logs.
func (p pushed) Name() string { return "dubbofn" }

// RequestReply acknowledges.
func (p pushed) RequestReply(r rpc_request.IRequest, _ *rpc.RpcClient) rpc_response.IResponse {
	p.handle(r)
	return &rpc_response.NotifySubscriberResponse{Response: &rpc_response.Response{ResultCode: constant.RESPONSE_CODE_SUCCESS, Success: true}}
}

// listener calls up whenever a connection is there, the first included. It must not block.
type listener struct{ up func() }

func (l listener) OnConnected()  { l.up() }
func (l listener) OnDisConnect() {}

// dialed gives the servers in the form in which connections are made: each many times over. The SDK waits longer with every
// turn through its list, 100 ms more each time up to 5 s; consumers that are back before the registrations find nobody meanwhile.
// With a longer turn the pause is half a second after a minute without servers, and it begins with as many tries at once.
func (s settings) dialed() []constant.ServerConfig {
	const tries = 32
	return slices.Repeat(s.servers, max(1, tries/len(s.servers)))
}

// newLink connects within ctx to one of dialed, or gives an error and nothing is left but what the SDK needs to notice it.
// server is where requests get their credentials.
func newLink(ctx context.Context, s settings, server, dialed *nacos_server.NacosServer, module string, push pushed, up func()) (*link, error) {
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	tls := s.client().TLSCfg
	labels := map[string]string{constant.LABEL_SOURCE: constant.LABEL_SOURCE_SDK, constant.LABEL_MODULE: module}
	c, err := rpc.CreateClient(life, "dubbofn-"+module+"-"+rand.Text(), rpc.GRPC, labels, dialed, &tls, nil)
	if err != nil {
		stop()
		return nil, err
	}
	l := &link{client: c.GetRpcClient(), server: server, timeout: s.timeout, stop: stop}
	l.client.Tenant = s.namespace
	l.client.RegisterServerRequestHandler(push.empty, push)
	l.client.RegisterConnectionListener(listener{up})
	started := make(chan struct{})
	go func() { // three tries of at most 3 s each
		defer close(started)
		l.client.Start()
	}()
	select {
	case <-started:
		if l.client.IsRunning() {
			return l, nil
		}
		err = fmt.Errorf("connect: %w: none of %d servers answers on its gRPC port (first: %s:%d)", registry.ErrUnreachable, len(s.servers), s.servers[0].IpAddr, s.servers[0].GrpcPort)
	case <-ctx.Done():
		err = fmt.Errorf("connect: %w", ctx.Err())
	}
	go func() {
		<-started
		l.client.Shutdown()
		stop()
	}()
	return nil, err
}

// ask sends a request. The answer is never nil beside a nil error; a refusal is in it. When ctx ends first the request is
// still on its way, and close waits for it.
func (l *link) ask(ctx context.Context, req rpc_request.IRequest, res security.RequestResource) (rpc_response.IResponse, error) {
	type answer struct {
		r   rpc_response.IResponse
		err error
	}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil, registry.ErrClosed
	}
	l.wg.Add(1)
	l.mu.Unlock()
	done := make(chan answer, 1)
	go func() {
		defer l.wg.Done()
		l.server.InjectSecurityInfo(req.GetHeaders(), res)
		r, err := l.client.Request(req, l.timeout.Milliseconds())
		switch {
		case err != nil:
			err = fmt.Errorf("%w: %s", registry.ErrUnreachable, oneLine(err.Error()))
		case r == nil:
			err = fmt.Errorf("%w: no answer", registry.ErrUnreachable)
		}
		done <- answer{r, err}
	}()
	select {
	case a := <-done:
		return a.r, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// refusal makes an error of an answer that is not a success.
func refusal(what string, r rpc_response.IResponse) error {
	if r.IsSuccess() {
		return nil
	}
	reason := oneLine(r.GetMessage())
	if code := r.GetErrorCode(); code != 0 {
		reason = fmt.Sprintf("%s (code %d)", reason, code)
	}
	return &registry.Refusal{What: what, Reason: reason}
}

// close disconnects after the requests that are on their way.
func (l *link) close() {
	l.mu.Lock()
	was := l.closed
	l.closed = true
	l.mu.Unlock()
	l.wg.Wait()
	if was {
		return
	}
	l.client.Shutdown()
	l.stop()
}
