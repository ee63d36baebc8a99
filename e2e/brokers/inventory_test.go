package brokers_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/invoker"
)

// inventory runs the example until the returned function ends it; lines are what it logged.
func inventory(t *testing.T, program string, env ...string) (end func() (lines string)) {
	t.Helper()
	cmd := exec.Command(program) // without a context, since it is to end by SIGTERM
	cmd.Env = append(os.Environ(), env...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	serving, ended := make(chan bool, 1), make(chan bool)
	go func() {
		defer close(ended)
		for s := bufio.NewScanner(stderr); s.Scan(); {
			log.WriteString(s.Text() + "\n")
			if strings.Contains(s.Text(), "msg=serving") {
				serving <- true
			}
		}
	}()
	end = sync.OnceValue(func() string {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("it ended with %v:\n%s", err, log.String())
		}
		return log.String()
	})
	t.Cleanup(func() { end() })
	select {
	case <-serving:
	case <-ended:
		t.Fatalf("it ended before it served:\n%s", end())
	case <-time.After(20 * time.Second):
		t.Fatalf("it does not serve after 20 s:\n%s", end())
	}
	return end
}

func TestTheInventoryCountsInRedisAndItsPoolIsWarm(t *testing.T) {
	at := address(t, "E2E_REDIS")
	db := redis.NewClient(&redis.Options{Addr: at})
	defer func() { _ = db.Close() }()
	if err := db.Del(t.Context(), "stock:cup").Err(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "inventory")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./examples/functions/inventory")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	place := "embedded://" + filepath.Join(dir, "registry")
	env := []string{
		"INVENTORY_REDIS=redis://" + at, "DUBBOFN_REGISTRY=" + place, "DUBBOFN_BIND=127.0.0.1", "DUBBOFN_HOST=127.0.0.1", "DUBBOFN_PORT=0", "PORT=0",
		"DUBBOFN_DRAIN_QUIET=1ms", "DUBBOFN_SNAPSHOT=" + filepath.Join(dir, "snapshot"),
	}
	first := inventory(t, program, env...)
	c, err := client.New(client.Config{Registry: []string{place}, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	s, err := c.Reference(t.Context(), "org.example.InventoryService")
	if err != nil {
		t.Fatal(err)
	}
	var left int32
	if err := s.Call(t.Context(), "add", &left, "cup", int32(100)); err != nil || left != 100 {
		t.Fatalf("add: %d, %v", left, err)
	}
	var taken atomic.Int32
	var buyers sync.WaitGroup
	for range 150 {
		buyers.Go(func() {
			var left int32
			err := s.Call(t.Context(), "take", &left, "cup", int32(1))
			var thrown *invoker.Exception
			switch {
			case err == nil:
				taken.Add(1)
			case !errors.As(err, &thrown) || thrown.Class != "org.example.SoldOutException":
				t.Errorf("take: %v", err)
			}
		})
	}
	buyers.Wait()
	if taken.Load() != 100 {
		t.Errorf("%d of 100 cups were sold to 150 buyers", taken.Load())
	}
	if err := s.Call(t.Context(), "stock", &left, "cup"); err != nil || left != 0 {
		t.Errorf("stock: %d, %v: want 0", left, err)
	}
	first()
	before := connected(t, db)
	second := inventory(t, program, env...)
	if n := connected(t, db) - before; n < 1 {
		t.Errorf("%d connections to Redis before the first call of the second process: want those that the first one used", n)
	}
	second()
}

// connected gives how many clients Redis has.
func connected(t *testing.T, db *redis.Client) int {
	t.Helper()
	list, err := db.ClientList(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(strings.TrimSpace(list), "\n") + 1
}
