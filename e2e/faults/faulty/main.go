// Command faulty is the functions of the faults: WorkService, and what goes wrong with it. Each execution is a line of a file before
// anything else happens, so that none is forgotten, however the process ends.
//
//	FAULTY_DIR       the folder for these files, one for each process
//	FAULTY_SERVICE   the interface (org.fixture.dubbo.WorkService), FAULTY_GROUP its group
//	FAULTY_TIMEOUT   what the methods publish (5s)
//	FAULTY           what goes wrong: crash, late=2s, unready, garbage, mortal (add of an odd number ends the process in the middle)
//	FAULTY_MORE      a version with one method more
//	FAULTY_NEXT      the group that add and look ask in their turn, as client of another function
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/registry/nacos"
)

const work = "org.fixture.dubbo.WorkService"

// worker writes down what runs.
type worker struct {
	file   *os.File
	mortal bool
	next   *next
}

// next is the service that is asked in turn.
type next struct {
	Add  func(ctx context.Context, id string, n int64, millis int32) (int64, error)
	Look func(ctx context.Context, id string, n int64) (int64, error)
}

func (w *worker) ran(id string) error {
	_, err := w.file.WriteString(id + "\n") // one write: whole, or not at all
	return err
}

// Add runs once at most, whatever happens. It takes the time that the caller says.
func (w *worker) Add(ctx context.Context, id string, n int64, millis int32) (int64, error) {
	if err := w.ran(id); err != nil {
		return 0, err
	}
	if w.next != nil {
		if v, err := w.next.Add(ctx, id+"/next", n, millis); err != nil || v != 2*n+1 {
			return 0, fmt.Errorf("the next one said %d: %w", v, err)
		}
	}
	time.Sleep(time.Duration(millis) * time.Millisecond)
	if w.mortal && n%2 == 1 {
		os.Exit(4)
	}
	return 2*n + 1, nil
}

// Look may be run again.
func (w *worker) Look(ctx context.Context, id string, n int64) (int64, error) {
	if err := w.ran(id); err != nil {
		return 0, err
	}
	if w.next != nil {
		if v, err := w.next.Look(ctx, id+"/next", n); err != nil || v != 3*n+2 {
			return 0, fmt.Errorf("the next one said %d: %w", v, err)
		}
	}
	return 3*n + 2, nil
}

func main() {
	describe := os.Getenv("DUBBOFN_DESCRIBE") != ""
	fault, value, _ := strings.Cut(os.Getenv("FAULTY"), "=")
	if !describe {
		begin(fault, value)
	}
	w := &worker{mortal: fault == "mortal"}
	parts := []serve.Part{nacos.Registry}
	if describe {
		serve.Main(append(parts, w.service())...)
		return
	}
	var err error
	if w.file, err = book(); err == nil {
		err = w.refer()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "faulty:", err)
		os.Exit(1)
	}
	serve.Main(append(parts, w.service())...)
}

// begin goes wrong before there is a function.
func begin(fault, value string) {
	switch fault {
	case "crash":
		fmt.Fprintln(os.Stderr, "faulty: the disk is full")
		os.Exit(3)
	case "late":
		d, err := time.ParseDuration(value)
		if err != nil {
			panic(err)
		}
		time.Sleep(d)
	case "unready", "garbage":
		imposter(fault == "garbage")
		os.Exit(0)
	}
}

// imposter listens in the function's place: it is never ready, or it answers every call with what is no frame.
func imposter(ready bool) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health/ready", func(w http.ResponseWriter, _ *http.Request) {
		if !ready {
			http.Error(w, "not yet", http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("POST /dubbo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Dubbofn-Instance", "imposter")
		w.Header().Set("Dubbofn-Hold", "1")
		if r.Header.Get("Dubbofn-Knock") == "" {
			w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
			_, _ = w.Write([]byte("\xda\xbb\x02\x14 this is no frame at all, whatever it begins with"))
		}
	})
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT"), Handler: mux, Protocols: &protocols, ReadHeaderTimeout: time.Minute}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	_ = server.ListenAndServe() // its end is the process's
}

// book is where this process writes down what it runs.
func book() (*os.File, error) {
	name := os.Getenv("K_SERVICE") + "-" + strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	return os.OpenFile(filepath.Join(os.Getenv("FAULTY_DIR"), name), os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o600)
}

func (w *worker) service() *fn.Service {
	iface, published := os.Getenv("FAULTY_SERVICE"), 5*time.Second
	if iface == "" {
		iface = work
	}
	if d, err := time.ParseDuration(os.Getenv("FAULTY_TIMEOUT")); err == nil {
		published = d
	}
	parts := []fn.Option{fn.Group(os.Getenv("FAULTY_GROUP")), fn.Method("add", w.Add, fn.Timeout(published)), fn.Method("look", w.Look, fn.Idempotent, fn.Timeout(published))}
	if os.Getenv("FAULTY_MORE") != "" {
		parts = append(parts, fn.Method("more", w.Look, fn.Timeout(published)))
	}
	return fn.NewService(iface, parts...)
}

// refer looks up the service that is asked in turn, if there is one.
func (w *worker) refer() error {
	group := os.Getenv("FAULTY_NEXT")
	if group == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	s, err := client.Reference(ctx, work, client.Registries(nacos.Registry), client.Group(group), client.Idempotent("look"))
	if err != nil {
		return err
	}
	w.next = &next{}
	return s.Bind(w.next)
}
