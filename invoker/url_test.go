package invoker_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/dubbofn/dubbofn/invoker"
)

func TestParseURLTellsNoSecretsOfWhatItCannotParse(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"nacos:secret@host",
		"nacos://user:secret@host:99999",
		"nacos://host:99999?username=nacos&password=secret",
		"nacos://user:sec?ret@host:99999",
		"nacos://host:8848?password=secret&x=%zz",
		"nacos://ho st?secretKey=secret",
	} {
		_, err := invoker.ParseURL(s)
		if err == nil || strings.Contains(err.Error(), "sec") {
			t.Errorf("ParseURL(%q): %v", s, err)
		}
	}
}

func TestURLStringTellsNoSecrets(t *testing.T) {
	t.Parallel()
	u, err := invoker.ParseURL("nacos://user:secret@a:8848,b:8849/x?password=secret&token=secret&secretKey=secret&secretAccessKey=secret&group=g")
	if err != nil {
		t.Fatal(err)
	}
	if s := u.String(); strings.Contains(s, "=secret") || strings.Contains(s, ":secret") || !strings.Contains(s, "group=g") {
		t.Errorf("String: %s", s)
	}
	if got, want := u.Addresses(1), []string{"a:8848", "b:8849"}; !slices.Equal(got, want) {
		t.Errorf("Addresses: %v, want %v", got, want)
	}
}
