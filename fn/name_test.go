package fn

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTypeArgumentsSplitAtTheirOwnLevel(t *testing.T) {
	t.Parallel()
	for java, want := range map[string][]string{
		"int":                 {},
		"a.B[]":               {"a.B"},
		"java.util.List<a.B>": {"a.B"},
		"java.util.Map<a.B,java.util.Map<int,a.C>>": {"a.B", "java.util.Map<int,a.C>"},
	} {
		if got := typeArguments(java); !cmp.Equal(got, want) {
			t.Errorf("typeArguments(%q) = %q; want %q", java, got, want)
		}
	}
}
