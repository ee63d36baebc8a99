package main

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRowTellsAVariable(t *testing.T) {
	t.Parallel()
	type config struct {
		Plain  string `envconfig:"A" default:"x" desc:"What a|b means." want:"x, y"`
		Secret string `envconfig:"B" desc:"A key." want:"text" secret:"yes"`
		Other  string
	}
	var got []string
	for f := range fields(reflect.TypeFor[config]()) {
		got = append(got, row(f.Tag))
	}
	want := []string{
		"| `A` | `x` | What a\\|b means. | x, y |",
		"| `B` | – | A key. | text (never shown) |",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
