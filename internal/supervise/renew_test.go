package supervise

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// script is a program that can be replaced while it runs, behaving as words for child say.
func script(t *testing.T, path, how string) {
	t.Helper()
	text := fmt.Sprintf("#!/bin/sh\nCHILD='serve %s' exec '%s'\n", how, os.Args[0])
	if err := os.WriteFile(path+".new", []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestRenewalsUnderLoadLoseNoRequest(t *testing.T) {
	t.Parallel()
	s := run(t, Config{}, map[string]string{"a": "late=10ms"})
	var wg sync.WaitGroup
	end := make(chan struct{})
	for worker := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-end:
					return
				default:
				}
				body := fmt.Sprintf("%d/%d", worker, i)
				if status, _, text := s.ask("a", "/echo", body); status != http.StatusOK || text != body {
					t.Errorf("%s: %d %q", body, status, text)
				}
			}
		})
	}
	for i := range 6 {
		s.until("awake", func() bool { return s.States()[0].Phase == Awake && s.States()[0].Starts == i+1 })
		if i < 5 {
			if err := s.Renew("a"); err != nil {
				t.Error(err)
			}
		}
	}
	close(end)
	wg.Wait()
	s.until("the ends", func() bool { return s.States()[0].Draining == 0 })
	if got := s.States()[0]; got.Starts != 6 || got.Err != nil {
		t.Errorf("%+v", got)
	}
}

func TestARenewedProcessFinishesWhatItHas(t *testing.T) {
	t.Parallel()
	s := run(t, Config{}, map[string]string{"a": ""})
	var wg sync.WaitGroup
	var status int
	var first string
	wg.Go(func() { status, first, _ = s.ask("a", "/hold?for=300ms", "") })
	s.until("the call", func() bool { return s.States()[0].InFlight == 1 })
	if err := s.Renew("a"); err != nil {
		t.Fatal(err)
	}
	other, second, _ := s.ask("a", "/echo", "x")
	if st := s.States()[0]; st.Draining != 1 || st.Phase != Awake {
		t.Errorf("%+v: want one that drains beside the next", st)
	}
	wg.Wait()
	if status != http.StatusOK || other != http.StatusOK || first == second {
		t.Errorf("%d from %s, then %d from %s", status, first, other, second)
	}
	if err := s.Renew("b"); err == nil {
		t.Error("what there is not was renewed")
	}
}

func TestACallThatWaitsForAProgramThatNeverBecomesReadyGetsTheNextOne(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a")
	for _, bad := range []string{"silent", "crash"} {
		script(t, path, bad)
		s := runPath(t, path)
		var wg sync.WaitGroup
		wg.Go(func() {
			begin := time.Now()
			if status, _, text := s.ask("a", "/echo", "x"); status != http.StatusOK || text != "x" || time.Since(begin) > 8*time.Second {
				t.Errorf("%s: %d %q after %v", bad, status, text, time.Since(begin))
			}
		})
		s.until("the start", func() bool { return s.States()[0].Starts > 0 })
		script(t, path, "")
		if err := s.Renew("a"); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if st := s.States()[0]; st.Phase != Awake || st.Err != nil || st.PID == 0 {
			t.Errorf("%s: %+v", bad, st)
		}
		s.end()
	}
}

func TestProcessesKnowTheirRevision(t *testing.T) {
	t.Parallel()
	s := run(t, Config{Idle: time.Minute}, map[string]string{"a": ""})
	for i := range 3 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/echo", strings.NewReader(strconv.Itoa(i)))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "a.local"
		resp, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := resp.Header.Get("Service"), "a "+Revision("a", i)+" "; !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Renew("a"); err != nil {
			t.Error(err)
		}
	}
}
