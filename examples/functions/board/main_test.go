package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/invoker"
)

// begin builds a function of this repository and runs it until the test ends. It returns when the function serves.
func begin(t *testing.T, dir, folder string) {
	t.Helper()
	program := filepath.Join(dir, filepath.Base(folder))
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, folder).CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", folder, err, out)
	}
	cmd := exec.Command(program) // without a context, since it is to end by SIGTERM
	cmd.Env = append(os.Environ(), "DUBBOFN_REGISTRY=embedded://"+dir+"/registry", "DUBBOFN_BIND=127.0.0.1", "DUBBOFN_PORT=0", "PORT=0", "DUBBOFN_DRAIN_QUIET=1ms")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	serving, ended := make(chan bool, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if strings.Contains(lines.Text(), "msg=serving") {
				serving <- true
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s ended with %v", folder, err)
		}
	})
	select {
	case <-serving:
	case <-ended:
		t.Fatalf("%s ended before it served", folder)
	case <-time.After(20 * time.Second):
		t.Fatalf("%s does not serve after 20 s", folder)
	}
}

// TestBoardCallsGreet runs both as they are: the board first, since a provider may come later.
func TestBoardCallsGreet(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "registry"), 0o700); err != nil {
		t.Fatal(err)
	}
	begin(t, dir, "../board")
	begin(t, dir, "../greet")
	c, err := client.New(client.Config{App: "test", Registry: []string{"embedded://" + dir + "/registry"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	board, err := c.Reference(ctx, "org.example.BoardService")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for err = errors.New("not called yet"); err != nil && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		err = board.Call(ctx, "welcome", &lines, []string{"Ada", "Grace"}, "fr")
	}
	if diff := cmp.Diff([]string{"Bonjour, Ada!", "Bonjour, Grace!"}, lines); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	var x *invoker.Exception
	if err := board.Call(ctx, "welcome", &lines, []string{"Ada"}, "tlh"); !errors.As(err, &x) || !strings.Contains(x.Message, "language tlh is not one of") {
		t.Errorf("a language that nobody speaks: %v", err)
	}
}
