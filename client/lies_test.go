package client_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
)

// TestMetadataThatLiesConcernsNobodyElse has an application whose document in the registry is not what it should be, and one that tells
// the truth. Calls of the one say why they fail; those of the other never fail, and wait for nothing.
func TestMetadataThatLiesConcernsNobodyElse(t *testing.T) {
	t.Parallel()
	const honest = "org.example.HonestService"
	dir := t.TempDir() + "/registry"
	start(t, dir, "honest", fn.NewService(honest, fn.Method("nothing", func() error { return nil })))
	c := newClient(t, dir)
	other, err := c.Reference(t.Context(), honest)
	if err != nil {
		t.Fatal(err)
	}
	calls := honestly(t, other)
	for app, tt := range map[string]struct {
		lie   func(doc []byte) []byte // nil: no document
		words string
	}{
		"absent":    {nil, "no metadata of revision"},
		"empty":     {func([]byte) []byte { return nil }, "EOF"},
		"cut":       {func(doc []byte) []byte { return doc[:len(doc)/2] }, "unexpected EOF"},
		"image":     {func([]byte) []byte { return []byte("\x89PNG\r\n\x1a\n") }, "invalid character"},
		"huge":      {func(doc []byte) []byte { return append(doc, bytes.Repeat([]byte{' '}, tenMB)...) }, "has more than 1048576 bytes"},
		"trailing":  {func(doc []byte) []byte { return append(doc, doc...) }, "something follows the document"},
		"stale":     {func(doc []byte) []byte { return bytes.ReplaceAll(doc, []byte(`"revision":"`), []byte(`"revision":"0`)) }, `the document claims revision "0`},
		"stranger":  {func(doc []byte) []byte { return bytes.ReplaceAll(doc, []byte(`"app":"stranger"`), []byte(`"app":"x"`)) }, `the document claims application "x"`},
		"elsewhere": {func(doc []byte) []byte { return bytes.ReplaceAll(doc, []byte("Lied"), []byte("Another")) }, "application elsewhere offers org.example.Another"},
		"port":      {func(doc []byte) []byte { return bytes.ReplaceAll(doc, []byte(`"port":0`), []byte(`"port":123456`)) }, "its port is 123456"},
	} {
		t.Run(app, func(t *testing.T) {
			t.Parallel()
			iface := "org.example.Lied" + strings.ToUpper(app[:1]) + app[1:]
			tell(t, dir, app, iface, tt.lie)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			s, err := c.Reference(ctx, iface)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			before := calls.Load()
			err = s.Call(ctx, "nothing", nil)
			if code, _ := invoker.CodeOf(err); code != invoker.CodeUnavailable || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("got %v, want to hear %q", err, tt.words)
			}
			eventually(t, "the others' calls go on", func() bool { return calls.Load() > before+20 })
		})
	}
}

// honestly calls without pause until the test ends, and counts. Each failure fails the test.
func honestly(t *testing.T, s *client.Service) *atomic.Int64 {
	t.Helper()
	calls := new(atomic.Int64)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			err := s.Call(t.Context(), "nothing", nil)
			if t.Context().Err() != nil {
				return
			}
			if err != nil {
				t.Errorf("an honest application's call: %v", err)
				return
			}
			calls.Add(1)
		}
	})
	t.Cleanup(wg.Wait)
	return calls
}

// tell registers an application of one instance, and then makes its document a lie.
func tell(t *testing.T, dir, app, iface string, lie func([]byte) []byte) {
	t.Helper()
	r, err := registry.Embedded.Open(t.Context(), registry.Config{Scheme: "embedded", Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	if _, err := r.Register(t.Context(), registry.Registration{
		Instance: registry.Instance{App: app, Host: "127.0.0.1", Port: 1}, Storage: registry.Remote, Levels: registry.AppLevel,
		Metadata: registry.Metadata{App: app, Services: []registry.Service{{Name: iface, Protocol: "dubbo"}}},
	}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "metadata", app, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("documents of %s: %v, %v", app, files, err)
	}
	if lie == nil {
		if err := os.Remove(files[0]); err != nil {
			t.Fatal(err)
		}
		return
	}
	doc, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	told := lie(bytes.Clone(doc))
	if bytes.Equal(told, doc) {
		t.Fatalf("nothing of %s is a lie", doc)
	}
	if err := os.WriteFile(files[0], told, 0o600); err != nil {
		t.Fatal(err)
	}
}
