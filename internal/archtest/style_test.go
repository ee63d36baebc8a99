package archtest

import (
	"slices"
	"testing"
)

func TestSourceFollowsTheRules(t *testing.T) {
	t.Parallel()
	excused := exceptions()
	used := map[string]bool{}
	report := func(faults []fault) {
		for _, f := range faults {
			key := f.Rule + " " + f.At
			if excused[key] == "" {
				t.Error(f)
			}
			used[key] = true
		}
	}
	for _, p := range goList(t, "./...") {
		code := parse(t, p, slices.Concat(p.GoFiles, p.CgoFiles)...)
		tests := parse(t, p, slices.Concat(p.TestGoFiles, p.XTestGoFiles)...)
		for _, s := range slices.Concat(code, tests) {
			report(checkFile(s))
		}
		report(checkVariables(code))
		if names := exported(code); len(names) > maxExported && p.Name != "main" {
			report([]fault{{"exported-names", p.rel(), sizeText(names)}})
		}
	}
	for key, why := range excused {
		if !used[key] || why == "" {
			t.Errorf("exception %q (%q): no longer needed, or without a reason", key, why)
		}
	}
}
