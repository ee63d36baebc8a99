package nacos

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/common/logger"
	"github.com/nacos-group/nacos-sdk-go/v2/model"

	"github.com/dubbofn/dubbofn/registry"
)

// fake is as much of a Nacos server as the tests need: configs and services, over gRPC written by hand.
type fake struct {
	mu      sync.Mutex
	configs map[key]string
	hosts   map[string][]model.Instance // by the service's name
	refuse  map[string]int              // codes of requests by type that are refused
	asked   map[string]int              // how often, by type
	silent  map[string]chan struct{}    // requests by type whose answers wait until it is closed
	queried func(k key)                 // is told of each query once it is answered; the mutex is held
}

// newFake gives a server and a registry that is connected to it and looks after everything so often.
func newFake(t *testing.T, check time.Duration) (*fake, *center) {
	t.Helper()
	f := &fake{
		configs: map[key]string{}, silent: map[string]chan struct{}{}, queried: func(key) {},
		hosts: map[string][]model.Instance{}, refuse: map[string]int{}, asked: map[string]int{},
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: f, Protocols: &protocols, ReadHeaderTimeout: time.Minute}
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() { _ = server.Close(); wg.Wait() })
	s, err := read("nacos", registry.Config{Addresses: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	s.servers[0].GrpcPort = uint64(l.Addr().(*net.TCPAddr).Port)
	s.check = check
	localIP()
	quiet()
	c, err := newCenter(t.Context(), s, newAgent(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return f, c
}

// quiet is for the SDK, which has one logger for the whole process.
var quiet = sync.OnceFunc(func() { logger.SetLogger(sdkLog{slog.New(slog.DiscardHandler)}) })

func (f *fake) set(k key, content string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.configs[k] = content
}

// service is called with the lock held.
func (f *fake) service(name string) model.Service {
	return model.Service{Name: name, Hosts: f.hosts[name]}
}

// stand puts instances under a name; those who subscribe are not told.
func (f *fake) stand(name string, ports ...int) model.Service {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hosts[name] = []model.Instance{}
	for _, p := range ports {
		f.hosts[name] = append(f.hosts[name], model.Instance{Ip: "10.0.0.1", Port: uint64(p), Healthy: true, Enable: true, Weight: 1})
	}
	return f.service(name)
}

// hold keeps the answers to a type of request back until release is called.
func (f *fake) hold(kind string) (release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	free := make(chan struct{})
	f.silent[kind] = free
	return sync.OnceFunc(func() { close(free) })
}

// ServeHTTP answers gRPC's unary requests, and holds its streams open.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/grpc")
	if !strings.HasPrefix(r.URL.Path, "/Request/") {
		_ = http.NewResponseController(w).Flush()
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		return
	}
	b, err := io.ReadAll(r.Body)
	if err != nil || len(b) < 5 {
		return
	}
	kind, body := string(field(field(b[5:], 2), 3)), field(field(b[5:], 3), 2)
	f.mu.Lock()
	free := f.silent[kind]
	f.mu.Unlock()
	if free != nil {
		select {
		case <-free:
		case <-r.Context().Done():
			return
		}
	}
	kind, answer := f.answer(kind, body)
	text, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	p := put(nil, 2, put(nil, 3, []byte(kind)))
	p = put(p, 3, put(nil, 2, text))
	w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
	_, _ = w.Write(append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(p))), p...))
}

// field gives what stands under a number in a protobuf message that has byte strings only, put writes it.
func field(b []byte, want uint64) []byte {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		size, m := binary.Uvarint(b[max(n, 0):])
		if n <= 0 || m <= 0 || tag&7 != 2 || size > uint64(len(b)-n-m) {
			return nil
		}
		b = b[n+m:]
		if tag>>3 == want {
			return b[:size]
		}
		b = b[size:]
	}
	return nil
}

func put(b []byte, number uint64, v []byte) []byte {
	b = binary.AppendUvarint(b, number<<3|2)
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

func (f *fake) answer(kind string, body []byte) (string, map[string]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	answer := map[string]any{"resultCode": 200, "success": true, "connectionId": "1"}
	f.asked[kind]++
	if code := f.refuse[kind]; code != 0 {
		answer["resultCode"], answer["errorCode"], answer["success"], answer["message"] = 500, code, false, "no"
		return strings.Replace(kind, "Request", "Response", 1), answer
	}
	var s struct{ ServiceName string }
	switch kind {
	case "ServiceListRequest":
		answer["serviceNames"], answer["count"] = slices.Sorted(maps.Keys(f.hosts)), len(f.hosts)
	case "ServiceQueryRequest", "SubscribeServiceRequest":
		_ = json.Unmarshal(body, &s)
		answer["serviceInfo"] = f.service(s.ServiceName)
		if kind == "ServiceQueryRequest" {
			return "QueryServiceResponse", answer
		}
	case "ConfigQueryRequest":
		var q struct{ Group, DataID string }
		_ = json.Unmarshal(body, &q)
		k := key{q.Group, q.DataID}
		if content, ok := f.configs[k]; ok {
			answer["content"] = content
		} else {
			answer["resultCode"], answer["errorCode"], answer["success"] = 500, configNotFound, false
		}
		f.queried(k)
	case "ConfigBatchListenRequest":
		var q struct {
			ConfigListenContexts []struct{ Group, DataID, MD5 string }
		}
		_ = json.Unmarshal(body, &q)
		var changed []map[string]string
		for _, l := range q.ConfigListenContexts {
			content, ok := f.configs[key{l.Group, l.DataID}]
			if ok != (l.MD5 != "") || ok && digest(content) != l.MD5 {
				changed = append(changed, map[string]string{"group": l.Group, "dataId": l.DataID})
			}
		}
		answer["changedConfigs"] = changed
		return "ConfigChangeBatchListenResponse", answer
	}
	return strings.Replace(kind, "Request", "Response", 1), answer
}
