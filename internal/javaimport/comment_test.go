package javaimport

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommentsBecomeThoseOfGo(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]string{
		"Finds {@code a < b} of {@link User#name}, {@link #find(int)}.":                                                        "Finds a < b of User.name, find(int).",
		"One.<p>Two &lt;b&gt;.<ul><li>three</ul>":                                                                              "One.\n\nTwo <b>.\n  - three",
		"A.\n\n@param  id   its number\n@return the user\n@throws NoUser where there is none\n@author me\n  and you\n@since 1": "A.\n\nid: its number\nIt returns the user\nNoUser: where there is none",
		"@deprecated since 2\nof all":                                                                                          "Deprecated: since 2\nof all",
		"control \x00\u2028 characters */ ":                                                                                    "control    characters */",
		"":                                                                                                                     "",
		"@see x":                                                                                                               "",
	} {
		if diff := cmp.Diff(want, strings.Join(goDoc(doc), "\n")); diff != "" {
			t.Errorf("%q: %s", doc, diff)
		}
	}
}

func FuzzImport(f *testing.F) {
	f.Add("package p; /** doc */ interface A<T> extends B<String> { <X> List<T> m(X x, int... a) throws E; } interface B<T> { T b(T t); } class E extends Exception { int code; }")
	f.Add("package p; import java.util.*; interface A { Map<C<String>, Set<E>> m(C.D<int[]> d); class C<T> { T t; Map<T, T> m; static class D<U> extends C<U> { } } enum E { A, B } }")
	f.Add("package p; interface A { E e(); enum E { A, B$0, $, _, C_D$E } }")
	f.Fuzz(func(t *testing.T, src string) {
		l := newLibrary()
		if l.add("A.java", "A.java", []byte(src)) != nil {
			return
		}
		l.resolve()
		r, err := l.Import(Config{Interfaces: l.Interfaces()})
		if err != nil && strings.Contains(err.Error(), "a fault of dubbofn") {
			t.Fatal(err)
		}
		if (r == nil) != (err != nil) {
			t.Fatal(r, err)
		}
	})
}
