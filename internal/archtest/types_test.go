package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The table of types promises what a Java consumer proves: every row is named in the document, and nothing else is.
func TestTypesAreProvedRowByRow(t *testing.T) {
	t.Parallel()
	read := func(path string, each *regexp.Regexp) (names []string) {
		b, err := os.ReadFile(filepath.Join(top(t), path))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range each.FindAllSubmatch(b, -1) {
			names = append(names, string(m[1]))
		}
		return names
	}
	rows := read("e2e/kit/src/org/dubbofn/kit/Rows.java", regexp.MustCompile(`(?:\brow|c\.check)\("([^"]+)"[,)]`))
	rows = slices.Concat(rows, []string{"no-retry-error", "no-retry-business", "no-retry-crash"}) // one loop makes these
	var promised []string
	for _, cell := range read("docs/types.md", regexp.MustCompile(`(?m)^\|.*\|([^|]*)\|$`)) { // the last cell of each row
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
			promised = append(promised, m[1])
		}
	}
	slices.Sort(rows)
	slices.Sort(promised)
	if diff := cmp.Diff(rows, slices.Compact(promised)); diff != "" {
		t.Errorf("Rows.java (-) and docs/types.md (+) differ:\n%s", diff)
	}
}
