package archtest

import (
	"maps"
	"slices"
	"testing"
)

func TestImportsFollowTheArrows(t *testing.T) {
	t.Parallel()
	table := layers()
	for _, p := range goList(t, "./...") {
		for _, f := range edges(p.rel(), p.Imports, table, nil) {
			t.Error(f)
		}
	}
}

// Tests may go where their package may, and may use what helps a test; in this module they may import what they like.
func TestTestsImportOnlyKnownModules(t *testing.T) {
	t.Parallel()
	table := layers()
	for _, p := range goList(t, "./...") {
		l := table[p.rel()]
		for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
			if !thirdParty(path) {
				continue
			}
			m := module(path, slices.Collect(maps.Keys(testModules())))
			m = module(m, slices.Collect(maps.Keys(l.modules)))
			if testModules()[m] == "" && l.modules[m] == "" {
				t.Errorf("%s: its tests import %s, a module that neither its entry nor testModules names", p.rel(), m)
			}
		}
	}
}

// A function starts cold: what fn/serve links, every function pays for at each start.
func TestAFunctionLinksOnlyLightModules(t *testing.T) {
	t.Parallel()
	allowed := lightModules()
	for _, p := range goList(t, "-deps", "./fn/serve") {
		if p.Module != nil && p.Module.Path != root && allowed[p.Module.Path] == "" {
			t.Errorf("fn/serve links %s (module %s), which lightModules does not name", p.ImportPath, p.Module.Path)
		}
	}
}

func TestEveryEntryIsStillTrue(t *testing.T) {
	t.Parallel()
	found := map[string]listed{}
	for _, p := range goList(t, "./...") {
		found[p.rel()] = p
	}
	for pkg, l := range layers() {
		p, ok := found[pkg]
		if !ok {
			t.Errorf("%s: in the table of layers, but there is no such package", pkg)
			continue
		}
		all := slices.Concat(p.Imports, p.TestImports, p.XTestImports)
		for m := range l.modules {
			if !slices.ContainsFunc(all, func(path string) bool { return module(path, []string{m}) == m }) {
				t.Errorf("%s: its entry allows %s, which it does not use", pkg, m)
			}
		}
	}
}

func TestEdgesNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	table := map[string]layer{
		"low":  {},
		"high": {uses: []string{"low"}, modules: map[string]string{"example.org/mod/v2": "needed"}},
	}
	cases := map[string]struct {
		pkg     string
		imports []string
		faults  int
	}{
		"downward":                  {"high", []string{"fmt", root + "/low", "example.org/mod/v2/sub"}, 0},
		"upward":                    {"low", []string{root + "/high"}, 1},
		"a module without a reason": {"low", []string{"example.org/mod/v2"}, 1},
		"a module by its prefix":    {"high", []string{"example.org/mod/v22"}, 1},
		"a package without entry":   {"new", nil, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := edges(c.pkg, c.imports, table, nil); len(got) != c.faults {
				t.Errorf("faults %q, want %d", got, c.faults)
			}
		})
	}
}
