package supervise

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test's own program is the functions' as well: with CHILD set it behaves as that says.
func TestMain(m *testing.M) {
	if how := os.Getenv("CHILD"); how != "" {
		child(how)
		return
	}
	goleak.VerifyTestMain(m)
}

// child serves until SIGTERM. how is a list of words: crash, crash-once=FILE, late=50ms, silent, unready, stubborn, hang, chatty, cut, orphan,
// supervisor.
func child(how string) {
	has := func(word string) (string, bool) {
		for w := range strings.FieldsSeq(how) {
			if k, v, _ := strings.Cut(w, "="); k == word {
				return v, true
			}
		}
		return "", false
	}
	if _, ok := has("supervisor"); ok {
		supervisor()
		return
	}
	if file, ok := has("count"); ok {
		f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			fmt.Fprintln(f, os.Getpid())
			_ = f.Close()
		}
	}
	if _, ok := has("chatty"); ok {
		fmt.Print("one\ntwo ")
		fmt.Fprintln(os.Stderr, "three")
		fmt.Println("words")
	}
	if _, ok := has("cut"); ok {
		fmt.Fprint(os.Stderr, "the last words")
	}
	if _, ok := has("crash"); ok {
		fmt.Fprintln(os.Stderr, "the disk is full")
		os.Exit(3)
	}
	if file, ok := has("crash-once"); ok {
		if f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			_ = f.Close()
			os.Exit(3)
		}
	}
	if _, ok := has("orphan"); ok {
		c := exec.Command("/bin/sleep", "600") // there is no PATH here
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		if c.Start() == nil {
			fmt.Println("orphan", c.Process.Pid)
		}
	}
	if _, ok := has("silent"); ok {
		select {}
	}
	if late, ok := has("late"); ok {
		d, _ := time.ParseDuration(late)
		time.Sleep(d)
	}
	_, unready := has("unready")
	_, stubborn := has("stubborn")
	serveChild(unready, stubborn)
}

func serveChild(unready, stubborn bool) {
	var served atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health/ready", func(w http.ResponseWriter, _ *http.Request) {
		if unready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		w.Header().Set("Pid", strconv.Itoa(os.Getpid()))
		w.Header().Set("Service", os.Getenv("K_SERVICE")+" "+os.Getenv("K_REVISION")+" "+os.Getenv("EXTRA")+" "+r.Proto+" "+r.Host)
		_, _ = io.Copy(w, r.Body)
	})
	mux.HandleFunc("/hold", func(w http.ResponseWriter, r *http.Request) { // headers at once, the body when told
		d, _ := time.ParseDuration(r.URL.Query().Get("for"))
		w.Header().Set("Pid", strconv.Itoa(os.Getpid()))
		_ = http.NewResponseController(w).Flush()
		time.Sleep(d)
	})
	mux.HandleFunc("/die", func(http.ResponseWriter, *http.Request) { os.Exit(4) })
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT"), Handler: mux, Protocols: &protocols}
	if stubborn {
		signal.Ignore(syscall.SIGTERM)
	} else {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		go func() {
			<-ctx.Done()
			_ = server.Shutdown(context.Background())
		}()
	}
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ended after", served.Load())
}
