package registry_test

import (
	"fmt"
	"testing"

	"github.com/dubbofn/dubbofn/registry"
)

func TestVersionsAndGroupsAreComparedAsDubboDoes(t *testing.T) { // Java: UrlUtils.isMatch, 3.3.6
	t.Parallel()
	for _, c := range []struct {
		want, have string
		same       bool
	}{{"", "", true}, {"", "0.0.0", true}, {"0.0.0", "", true}, {"*", "2.0", true}, {"*", "", true}, {"1.0", "2.0", false}, {"", "1.0", false}, {"1.0", "1.0", true}} {
		if (registry.Name{Version: c.want}).Covers(c.have, "") != c.same {
			t.Errorf("versions %q and %q: want %t", c.want, c.have, c.same)
		}
	}
	for group, same := range map[string]bool{"a": true, "b": true, "c": false, "": false, "a,b": true} {
		if (registry.Name{Group: "a,b"}).Covers("", group) != same || !(registry.Name{Group: "*"}).Covers("", group) {
			t.Errorf("groups a,b and %q: want %t, and any to be of *", group, same)
		}
	}
}

func TestAPatternMeansNamesOfItsInterface(t *testing.T) {
	t.Parallel()
	for n, want := range map[registry.Name]bool{
		{Interface: "a.B"}:                            false,
		{Interface: "a.B", Version: "1", Group: "g"}:  false,
		{Interface: "a.B", Version: "*"}:              true,
		{Interface: "a.B", Group: "*"}:                true,
		{Interface: "a.B", Version: "1", Group: "g,"}: true,
		{App: "shop"}:                                 false,
	} {
		if n.Pattern() != want {
			t.Errorf("%s: want %t", n, want)
		}
	}
	all := []string{"providers:a.B:1:g", "providers:a.B::", "providers:a.B:2:h", "providers:a.BB:1:g", "consumers:a.B:1:g", "providers:a.B:1", "shop", ""}
	for want, n := range map[string]registry.Name{
		"[providers:a.B:1:g providers:a.B:: providers:a.B:2:h]": {Interface: "a.B", Version: "*", Group: "*"},
		"[providers:a.B::]":                   {Interface: "a.B", Version: "*"},
		"[providers:a.B:1:g providers:a.B::]": {Interface: "a.B", Version: "*", Group: "g,"},
		"[]":                                  {Interface: "a.C", Version: "*", Group: "*"},
	} {
		if got := fmt.Sprint(n.Among(all)); got != want {
			t.Errorf("%+v: %s, want %s", n, got, want)
		}
	}
}
