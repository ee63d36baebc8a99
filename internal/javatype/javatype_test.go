package javatype

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
		if got := LowerCamel(goName); got != want {
			t.Errorf("LowerCamel(%q) = %q; want %q", goName, got, want)
		}
	}
}

func TestTypesAreThoseOfManifests(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"int", "byte[][]", "org.example.User", "java.util.List<org.example.User>[]", "java.util.Map<java.lang.String,java.util.List<int[]>>", "org.x.Outer$Inner<A,B,C<D>>"} {
		if !IsType(good) {
			t.Errorf("%s is no type", good)
		}
	}
	deep := strings.Repeat("a<", 40) + "b" + strings.Repeat(">", 40)
	for _, bad := range []string{"", "void", "int[", "int[]x", "a<", "a<>", "a<b", "a<b>>", "a<b,>", "a b", "a,b", "[I", "List<void>", "1a", deep} {
		if IsType(bad) {
			t.Errorf("%s is a type", bad)
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
		got, ok := Parameters(descriptor)
		if !ok || !cmp.Equal(got, want) {
			t.Errorf("Parameters(%q) = %q, %v; want %q", descriptor, got, ok, want)
		}
	}
	for _, bad := range []string{"[", "L", "L;", "Ljava/lang/String", "V", "X", "I[", "(I)V", "Ljava.lang.String;", "La[b;"} {
		if got, ok := Parameters(bad); ok {
			t.Errorf("Parameters(%q) = %q; want it refused", bad, got)
		}
	}
}

func TestTypeNamesOfGenericCallsBecomeDescriptors(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"int": "I", "int[]": "[I", "[I": "[I", "long[][]": "[[J", "java.lang.String": "Ljava/lang/String;", "java.lang.String[]": "[Ljava/lang/String;",
		"[Ljava.lang.String;": "[Ljava/lang/String;", "java.util.List<java.util.List<a.B>>": "Ljava/util/List;", "a.B$C": "La/B$C;", " boolean ": "Z",
	} {
		if got := Descriptor(name); got != want {
			t.Errorf("Descriptor(%q) = %q; want %q", name, got, want)
		}
	}
	for descriptor, want := range map[string]string{"I": "int", "[[J": "long[][]", "Ljava/lang/String;": "java.lang.String", "[La/B;": "a.B[]"} {
		if got := Name(descriptor); got != want {
			t.Errorf("Name(%q) = %q; want %q", descriptor, got, want)
		}
	}
}

// FuzzDescriptor: what is taken for a parameter list is one, and its Java names lead back to it.
func FuzzDescriptor(f *testing.F) {
	for _, seed := range []string{"", "I", "Ljava/lang/String;[[I", "[", "L;", "V", "[[[", "La/b;;", "Lint;", "[Z[La/B$C;J"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, descriptor string) {
		each, ok := Parameters(descriptor)
		if !ok {
			return
		}
		for _, d := range each {
			if name := Name(d); IsClassName(strings.TrimRight(name, "[]")) && strings.Contains(name, ".") && Descriptor(name) != d {
				t.Errorf("%q is %q, which is %q", d, name, Descriptor(name))
			}
		}
		if strings.Join(each, "") != descriptor {
			t.Errorf("%q was split into %q", descriptor, each)
		}
	})
}
