package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestJavaIsMadeOfAFolderWithItsComments(t *testing.T) {
	t.Parallel()
	into := filepath.Join(t.TempDir(), "out")
	out, code, err := run(t, "java", "../../examples/functions/order", "-o", into, "--json")
	if err != nil || code != 0 {
		t.Fatal(code, err)
	}
	var made madeJava
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.Dir != into || len(made.Made) < 10 {
		t.Fatal(err, out)
	}
	text, err := os.ReadFile(filepath.Join(into, "api/src/main/java/org/example/OrderService.java"))
	for _, want := range []string{"Place reserves what was ordered.", "Receipt place(Order o) throws SoldOutException;"} {
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("no %q: %v\n%s", want, err, text)
		}
	}
	readme := filepath.Join(into, "README.md")
	if err := os.WriteFile(readme, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := run(t, "java", "../../examples/functions/order", "-o", into); err == nil || !strings.Contains(err.Error(), "README.md: they lack the line") {
		t.Error(err)
	}
	if _, _, err := run(t, "java", "../../examples/functions/order", "-o", into, "--force"); err != nil {
		t.Error(err)
	}
}

func TestJavaSaysWhatIsWrongWithWhatItGets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"no.json": "[]", "empty.json": `{"app":"a"}`, "keyword.json": `{"app":"a","services":[{"interface":"org.example.S","methods":[{"name":"new","result":"void"}]}]}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	into := filepath.Join(dir, "out")
	for name, want := range map[string]string{
		"no.json": "is no manifest", "empty.json": "has no services", "keyword.json": `"new" can't be a name in Java`, "none.json": "no such file", "none": "no such file",
	} {
		if _, code, err := run(t, "java", filepath.Join(dir, name), "-o", into); err == nil || code == 0 || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %d %v", name, code, err)
		}
	}
	if _, code, _ := run(t, "java"); code != exitUsage {
		t.Errorf("no argument: exit code %d", code)
	}
	if _, err := os.Stat(into); err == nil {
		t.Error("something was written")
	}
}
