package client_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// TestRulesOfAnApplicationThatLeftTheMappingCountNoMore has a service that one application offered before another does.
func TestRulesOfAnApplicationThatLeftTheMappingCountNoMore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/registry"
	at := start(t, dir, "users", service())
	_, port, err := net.SplitHostPort(at.Dubbo.String())
	if err != nil {
		t.Fatal(err)
	}
	mapping := filepath.Join(dir, "mapping", users)
	mapped, err := os.ReadFile(filepath.Join(mapping, "users"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(mapping, "before"), mapped, 0o600); err != nil {
		t.Fatal(err)
	}
	obey(t, dir, "before.tag-router", fmt.Sprintf("configVersion: v3.0\nkey: before\ntags:\n- name: gray\n  addresses: ['*:%s']\n", port))
	s := refer(t, newClient(t, dir))
	eventually(t, "the rule of the other application holds", func() bool { return s.Call(t.Context(), "nothing", nil) != nil })
	if err := os.Remove(filepath.Join(mapping, "before")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it holds no more", func() bool { return s.Call(t.Context(), "nothing", nil) == nil })
}
