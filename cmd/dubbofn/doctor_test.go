package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dubbofn/dubbofn/internal/doctor"
)

const stranger = `{"app":"greet","services":[{"interface":"org.example.GreetService","parameters":{},"methods":[]}],"types":[{"class":"com.elsewhere.Parcel","kind":"class"}]}`

func TestDoctorTellsTheOutcomeByItsExitCode(t *testing.T) {
	registryURL, _ := serveGreet(t)
	t.Setenv("DUBBOFN_ADMIN", "")
	dir := t.TempDir()
	manifest, list := filepath.Join(dir, "greet.json"), filepath.Join(dir, "serialize.allowlist")
	for path, text := range map[string]string{manifest: `{"app":"greet","url":"http://127.0.0.1","manifest":` + stranger + `}`, list: "# ours\n\ncom.elsewhere.\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		args []string
		code int
		text string // in the output or the error
	}{
		"a healthy service":        {[]string{"org.example.GreetService"}, 0, "0 wrong"},
		"a service that is not":    {[]string{"org.example.Nope"}, exitFaults, "nobody offers org.example.Nope"},
		"nothing named":            {nil, exitUsage, "name one"},
		"a version that is not":    {[]string{"org.example.GreetService:9.9"}, exitFaults, `version = ""`},
		"an activator that is not": {[]string{"--admin", "127.0.0.1:1", "org.example.GreetService"}, exitFaults, "mend   dubbofn activator"},
		"a line that is not":       {[]string{"--consumer-line", "4", "org.example.GreetService"}, exitUsage, "2.7 or 3.x"},
		"no time":                  {[]string{"--timeout", "0", "org.example.GreetService"}, exitUsage, "--timeout 0"},
		"a fix that is not":        {[]string{"--fix", "all", "org.example.GreetService"}, exitUsage, "mapping or metadata"},
		"a form that is not":       {[]string{"-o", "yaml", "org.example.GreetService"}, exitUsage, "text or json"},
		"a manifest that is not":   {[]string{"--manifest", filepath.Join(dir, "none.json"), "org.example.GreetService"}, exitUsage, "none.json"},
		"a stranger's class":       {[]string{"--manifest", manifest}, exitFaults, "does not trust com.elsewhere.Parcel"},
		"a class on the list":      {[]string{"--manifest", manifest, "--classes", list, "--app", "greet"}, exitFaults, "a Dubbo 3 consumer reads all 1"}, // another build runs
		"a fix of nothing":         {[]string{"--fix", "metadata", "org.example.GreetService"}, 0, "nothing is missing of greet"},
		"a fix of the mapping":     {[]string{"--fix", "mapping", "--app", "greet", "org.example.GreetService"}, 0, "is offered by greet"},
		"an application not there": {[]string{"--fix", "mapping", "--app", "gone", "org.example.GreetService"}, exitOther, `"gone" has no instance`},
	} {
		out, code, err := run(t, append([]string{"doctor", "--registry", registryURL}, c.args...)...)
		text := out
		if err != nil {
			text += err.Error()
		}
		if code != c.code || !strings.Contains(text, c.text) {
			t.Errorf("%s: exit code %d, want %d, and %q in:\n%s", name, code, c.code, c.text, text)
		}
	}
}

func TestDoctorPutsTheWorstAtTheEndAndGivesJSON(t *testing.T) {
	registryURL, _ := serveGreet(t)
	t.Setenv("DUBBOFN_ADMIN", "")
	args := []string{"doctor", "--registry", registryURL, "org.example.GreetService:9.9"}
	out, _, _ := run(t, args...)
	good, bad := strings.LastIndex(out, "✓"), strings.Index(out, "✗")
	if good < 0 || bad < good || strings.Contains(out, "\x1b") {
		t.Errorf("the order or the colours of\n%s", out)
	}
	out, code, _ := run(t, append(args, "-o", "json")...)
	var all []doctor.Finding
	if err := json.Unmarshal([]byte(out), &all); err != nil || code != exitFaults || doctor.Worst(all) != doctor.Bad {
		t.Errorf("exit code %d, %v: %s", code, err, out)
	}
}
