package fn

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLowerCamelFollowsJavaBeans(t *testing.T) {
	t.Parallel()
	for goName, want := range map[string]string{
		"Name": "name", "ID": "id", "UserID": "userID", "URLPath": "urlPath", "GetURL": "getURL", "A": "a", "ABc": "aBc", "HTTP2": "http2", "Über": "über",
	} {
		if got := lowerCamel(goName); got != want {
			t.Errorf("lowerCamel(%q) = %q; want %q", goName, got, want)
		}
	}
}

func TestParametersSplitsOnlyWhatTheJVMWrites(t *testing.T) {
	t.Parallel()
	for descriptor, want := range map[string][]string{
		"":                            nil,
		"I":                           {"I"},
		"Ljava/lang/String;[[IJLa/B;": {"Ljava/lang/String;", "[[I", "J", "La/B;"},
	} {
		got, ok := parameters(descriptor)
		if !ok || !cmp.Equal(got, want) {
			t.Errorf("parameters(%q) = %q, %v; want %q", descriptor, got, ok, want)
		}
	}
	for _, bad := range []string{"[", "L", "L;", "Ljava/lang/String", "V", "X", "I[", "(I)V", "Ljava.lang.String;", "La[b;"} {
		if got, ok := parameters(bad); ok {
			t.Errorf("parameters(%q) = %q; want it refused", bad, got)
		}
	}
}

func TestTypeNamesOfGenericCallsBecomeDescriptors(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"int": "I", "int[]": "[I", "[I": "[I", "long[][]": "[[J", "java.lang.String": "Ljava/lang/String;", "java.lang.String[]": "[Ljava/lang/String;",
		"[Ljava.lang.String;": "[Ljava/lang/String;", "java.util.List<java.util.List<a.B>>": "Ljava/util/List;", "a.B$C": "La/B$C;", " boolean ": "Z",
	} {
		if got := descriptorOf(name); got != want {
			t.Errorf("descriptorOf(%q) = %q; want %q", name, got, want)
		}
	}
	for descriptor, want := range map[string]string{"I": "int", "[[J": "long[][]", "Ljava/lang/String;": "java.lang.String", "[La/B;": "a.B[]"} {
		if got := javaName(descriptor); got != want {
			t.Errorf("javaName(%q) = %q; want %q", descriptor, got, want)
		}
	}
}

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

// FuzzDescriptor: what is taken for a parameter list is one, and its Java names lead back to it.
func FuzzDescriptor(f *testing.F) {
	for _, seed := range []string{"", "I", "Ljava/lang/String;[[I", "[", "L;", "V", "[[[", "La/b;;", "Lint;", "[Z[La/B$C;J"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, descriptor string) {
		each, ok := parameters(descriptor)
		if !ok {
			return
		}
		for _, d := range each {
			if name := javaName(d); isClassName(strings.TrimRight(name, "[]")) && strings.Contains(name, ".") && descriptorOf(name) != d {
				t.Errorf("%q is %q, which is %q", d, name, descriptorOf(name))
			}
		}
		if strings.Join(each, "") != descriptor {
			t.Errorf("%q was split into %q", descriptor, each)
		}
	})
}
