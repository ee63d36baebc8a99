package serve

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dubbofn/dubbofn/cold"
	"github.com/dubbofn/dubbofn/fn"
)

// A caller that waits at the port is answered before the rest of the start; with none, the start soon goes on.
func TestTheStartGivesWayToTheFirstCall(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		function *function
		call     bool
		want     time.Duration
	}{
		{"called", &function{dubbo: &net.TCPListener{}}, true, giveWay / 2},
		{"not called", &function{dubbo: &net.TCPListener{}}, false, giveWay},
		{"nobody calls before it is ready", &function{dubbo: &net.TCPListener{}, early: &early{}}, false, 0},
		{"on Knative", &function{}, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := c.function
				f.ledger, f.settled = cold.NewLedger("greet", "1"), make(chan struct{})
				begun, told := time.Now(), false
				go f.settle(t.Context(), func() { told = true })
				if c.call {
					time.Sleep(giveWay / 2)
					f.first(time.Now())
				}
				<-f.settled
				if took := time.Since(begun); took != c.want || !told {
					t.Errorf("settled after %v, told: %v; want %v", took, told, c.want)
				}
			})
		})
	}
}

func TestASignalEndsAFunctionInOrderOnceItIsReady(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		port := freePort(t)
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), asFunction+"=1", fmt.Sprint("PORT=", port), "DUBBOFN_PORT=0", "DUBBOFN_BIND=127.0.0.1", "DUBBOFN_REGISTER=no", "DUBBOFN_DRAIN_QUIET=1ms")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		until(t, "it is ready", func() bool {
			resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/health/ready", port))
			if err != nil {
				return false
			}
			_ = resp.Body.Close()
			return resp.StatusCode == http.StatusOK
		})
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("it ended with %v", err)
		}
	}
}

// The ports are open while the services are put together; when those have faults, all is told, and the ports are free again.
func TestFaultsOfPortsAndServicesAreToldTogether(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	faulty := fn.NewService(greetService, fn.Method("hello", func(chan int) error { return nil }))
	c := testConfig(t)
	c.Port, c.HTTPPort = freePort(t), portOf(taken.Addr())
	err = Run(t.Context(), c, faulty)
	if err == nil || !strings.Contains(err.Error(), "listen on the HTTP port") || !strings.Contains(err.Error(), "chan int") {
		t.Errorf("%v", err)
	}
	again, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", c.Port))
	if err != nil {
		t.Fatalf("the Dubbo port is not free again: %v", err)
	}
	_ = again.Close()
}
