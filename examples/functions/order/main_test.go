package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
)

// begin builds the function and runs it until the test ends. It gives the address of its HTTP port.
func begin(t *testing.T, registry string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "order")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	cmd := exec.Command(program) // without a context, since it is to end by SIGTERM
	cmd.Env = append(os.Environ(), "DUBBOFN_REGISTRY="+registry, "DUBBOFN_BIND=127.0.0.1", "DUBBOFN_PORT=0", "PORT=0", "DUBBOFN_DRAIN_QUIET=1ms")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	serving, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		port := regexp.MustCompile(`msg=serving .*http=(\S+)`)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if m := port.FindStringSubmatch(lines.Text()); m != nil {
				serving <- m[1]
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("it ended with %v", err)
		}
	})
	select {
	case at := <-serving:
		return at
	case <-ended:
		t.Fatal("it ended before it served")
	case <-time.After(20 * time.Second):
		t.Fatal("it does not serve after 20 s")
	}
	return ""
}

// stock is the other team's service, in Go for this test.
func stock(t *testing.T, registry string) {
	t.Helper()
	var mu sync.Mutex
	left := map[string]int32{"cup": 10}
	reserve := func(sku string, count int32) (int32, error) {
		mu.Lock()
		defer mu.Unlock()
		if left[sku] < count {
			return -1, nil
		}
		left[sku] -= count
		return left[sku], nil
	}
	t.Setenv("DUBBOFN_REGISTRY", registry)
	t.Setenv("DUBBOFN_BIND", "127.0.0.1")
	t.Setenv("DUBBOFN_PORT", "0")
	t.Setenv("PORT", "0")
	t.Setenv("DUBBOFN_APP", "stock")
	t.Setenv("DUBBOFN_DRAIN_QUIET", "1ms")
	cfg, err := serve.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended, ready := make(chan error, 1), make(chan bool)
	go func() {
		ended <- serve.Run(ctx, cfg, fn.NewService("org.example.StockService", fn.Method("reserve", reserve)), serve.Hook(func(context.Context, serve.Addresses) { close(ready) }))
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	<-ready
}

// post sends an order as an event, and again while the function can't know yet where the stock is.
func post(t *testing.T, at, id string, o map[string]any) (status int, typ string, data map[string]any) {
	t.Helper()
	body, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+at, strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range map[string]string{"ce-specversion": "1.0", "ce-id": id, "ce-source": "/web", "ce-type": "org.example.order.placed", "content-type": "application/json"} {
			req.Header.Set(name, v)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close() // it was read
		if resp.StatusCode < 500 || time.Now().After(deadline) {
			if resp.StatusCode == http.StatusOK {
				if err := json.Unmarshal(text, &data); err != nil {
					t.Fatalf("%s: %v", text, err)
				}
			}
			return resp.StatusCode, resp.Header.Get("Ce-Type"), data
		}
	}
}

func TestAnOrderReservesStockAndBecomesAnEvent(t *testing.T) {
	registry := "embedded://" + filepath.Join(t.TempDir(), "registry") // which it makes
	at := begin(t, registry)
	stock(t, registry)
	for _, c := range []struct {
		id    string
		order map[string]any
		want  string
	}{
		{"1", map[string]any{"id": "o1", "sku": "cup", "count": 4}, "200 org.example.order.accepted map[left:6 order:o1]"},
		{"1", map[string]any{"id": "o1", "sku": "cup", "count": 4}, "200 org.example.order.accepted map[left:6 order:o1]"}, // the same event: not reserved again
		{"2", map[string]any{"id": "o2", "sku": "cup", "count": 6}, "200 org.example.order.accepted map[left:0 order:o2]"},
		{"3", map[string]any{"id": "o3", "sku": "cup", "count": 1}, "200 org.example.order.accepted.failed map[exception:org.example.SoldOutException message:sold out: cup]"},
		{"4", map[string]any{"id": "o4"}, "422  map[]"},
		{"5", map[string]any{"id": "o5", "count": "many"}, "400  map[]"},
	} {
		status, typ, data := post(t, at, c.id, c.order)
		if got := fmt.Sprint(status, " ", typ, " ", data); got != c.want {
			t.Errorf("event %s: %s, want %s", c.id, got, c.want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
