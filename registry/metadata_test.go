package registry_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/registry"
)

func greet() registry.Metadata {
	return registry.Metadata{App: "greet", Services: []registry.Service{
		{Name: "org.example.GreetService", Protocol: "dubbo", Params: map[string]string{"timeout": "10000", "retries": "0"}},
		{Name: "org.example.GreetService", Group: "blue", Version: "2.0.0", Protocol: "dubbo", Params: map[string]string{"token": "s3cret"}},
	}}
}

// The values are those that Dubbo Java 3.3.6's MetadataInfo.calRevision gives for the documents.
func TestRevisionIsJavas(t *testing.T) {
	t.Parallel()
	const want = "54177e61f06d3813d89da76cefd4723e"
	if got := greet().Revision(); got != want {
		t.Errorf("revision is %s, want %s", got, want)
	}
	promising := greet()
	promising.Digest = "abc"
	if got, want := promising.Revision(), "4ab3a607581cf6ef58c2f2cc8c52a39d"; got != want {
		t.Errorf("revision with a digest is %s, want %s", got, want)
	}
	turned := greet()
	slices.Reverse(turned.Services)
	if got := turned.Revision(); got != want {
		t.Errorf("revision depends on the order of services: %s", got)
	}
}

func TestRevisionChangesWithContent(t *testing.T) {
	t.Parallel()
	seen := map[string]string{greet().Revision(): "nothing"}
	for _, c := range []struct {
		what   string
		change func(*registry.Metadata)
	}{
		{"application", func(m *registry.Metadata) { m.App = "other" }},
		{"digest", func(m *registry.Metadata) { m.Digest = "abc" }},
		{"service left out", func(m *registry.Metadata) { m.Services = m.Services[:1] }},
		{"interface", func(m *registry.Metadata) { m.Services[0].Name = "org.example.Other" }},
		{"version", func(m *registry.Metadata) { m.Services[1].Version = "2.0.1" }},
		{"group", func(m *registry.Metadata) { m.Services[1].Group = "green" }},
		{"path", func(m *registry.Metadata) { m.Services[0].Path = "p" }},
		{"port", func(m *registry.Metadata) { m.Services[0].Port = 20880 }},
		{"parameter's value", func(m *registry.Metadata) { m.Services[0].Params["timeout"] = "1" }},
		{"parameter's name", func(m *registry.Metadata) { m.Services[0].Params["x"] = "" }},
		{"parameter left out", func(m *registry.Metadata) { delete(m.Services[0].Params, "retries") }},
		{"text moved from name to value", func(m *registry.Metadata) {
			m.Services[0].Params = map[string]string{"timeout1": "0000", "retries": "0"}
		}},
	} {
		m := greet()
		c.change(&m)
		if other, ok := seen[m.Revision()]; ok {
			t.Errorf("%s gives the revision of %s", c.what, other)
		}
		seen[m.Revision()] = c.what
	}
}

func TestMetadataIsWrittenAsJavaReadsIt(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(greet())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"app":"greet","revision":"` + greet().Revision() + `","services":{` +
		`"blue/org.example.GreetService:2.0.0:dubbo":{"name":"org.example.GreetService","group":"blue","version":"2.0.0","protocol":"dubbo","port":0,"path":"org.example.GreetService","params":{"token":"s3cret"}},` +
		`"org.example.GreetService:dubbo":{"name":"org.example.GreetService","protocol":"dubbo","port":0,"path":"org.example.GreetService","params":{"retries":"0","timeout":"10000"}}}}`
	if diff := cmp.Diff(want, string(b)); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	m, err := registry.CheckMetadata(b, "greet", greet().Revision())
	if err != nil || m.Revision() != greet().Revision() {
		t.Errorf("reading it gives %+v, %v", m, err)
	}
}

func TestMetadataOfJavaIsRead(t *testing.T) {
	t.Parallel()
	// as Dubbo 3.3.6 writes it
	const doc = `{"app":"java3-provider","revision":"dc99ee013f714817095186e6539498de","services":{"g1/org.fixture.dubbo.TypesService:2.0.0:dubbo":{"group":"g1","name":"org.fixture.dubbo.TypesService",` +
		`"params":{"side":"provider","release":"3.3.6","group":"g1","version":"2.0.0"},"path":"org.fixture.dubbo.TypesService","port":18880,"protocol":"dubbo","version":"2.0.0","unknown":[1]}}}`
	m, err := registry.CheckMetadata([]byte(doc), "java3-provider", "dc99ee013f714817095186e6539498de")
	if err != nil {
		t.Fatal(err)
	}
	want := registry.Metadata{App: "java3-provider", Services: []registry.Service{{
		Name: "org.fixture.dubbo.TypesService", Group: "g1", Version: "2.0.0", Protocol: "dubbo", Port: 18880, Path: "org.fixture.dubbo.TypesService",
		Params: map[string]string{"side": "provider", "release": "3.3.6", "group": "g1", "version": "2.0.0"},
	}}}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
}

func TestMetadataThatLiesIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ doc, want string }{
		"another revision":    {`{"app":"a","revision":"2","services":{}}`, `claims revision "2"`},
		"another application": {`{"app":"b","revision":"1","services":{}}`, `claims application "b"`},
		"not JSON":            {`<html>`, "invalid character"},
		"two documents":       {`{"app":"a"}{}`, "something follows"},
		"a nameless service":  {`{"app":"a","services":{"k":{}}}`, `service "k" has no name`},
		"too long":            {strings.Repeat(" ", registry.MaxMetadataBytes+1), "the limit is 4194304"},
	} {
		if _, err := registry.CheckMetadata([]byte(c.doc), "a", "1"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q in it", name, err, c.want)
		}
	}
	if _, err := registry.CheckMetadata([]byte(`{"services":{}}`), "a", "1"); err != nil {
		t.Errorf("a document that claims nothing is refused: %v", err)
	}
}

func TestKeysAreDubbos(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]registry.Service{
		"org.example.S:dubbo":         {Name: "org.example.S", Protocol: "dubbo"},
		"g/org.example.S:1.0:dubbo":   {Name: "org.example.S", Group: "g", Version: "1.0", Protocol: "dubbo"},
		"org.example.S:1.0:tri":       {Name: "org.example.S", Version: "1.0", Protocol: "tri"},
		"g/org.example.S:dubbo":       {Name: "org.example.S", Group: "g", Protocol: "dubbo"},
		"org.example.Zero:dubbo":      {Name: "org.example.Zero", Version: "0.0.0", Protocol: "dubbo"},
		"g/org.example.Zero.In:dubbo": {Name: "org.example.Zero.In", Version: "0.0.0", Group: "g", Protocol: "dubbo"},
	} {
		if got := s.Key(); got != want {
			t.Errorf("key is %q, want %q", got, want)
		}
	}
	for want, n := range map[string]registry.Name{
		"greet":                           {App: "greet"},
		"providers:org.example.S::":       {Interface: "org.example.S"},
		"providers:org.example.S:1.0:":    {Interface: "org.example.S", Version: "1.0"},
		"providers:org.example.S::blue":   {Interface: "org.example.S", Group: "blue"},
		"providers:org.example.S:1.0:red": {Interface: "org.example.S", Version: "1.0", Group: "red"},
	} {
		if got := n.String(); got != want {
			t.Errorf("name is %q, want %q", got, want)
		}
	}
}

func registrationOf(m registry.Metadata) registry.Registration {
	return registry.Registration{Instance: registry.Instance{App: m.App, Host: "10.0.0.1", Port: 20880}, Metadata: m}
}

func TestInstanceMetadataHoldsNoTime(t *testing.T) {
	t.Parallel()
	r := registrationOf(greet())
	for storage, want := range map[registry.Storage]map[string]string{
		registry.Remote: {"dubbo.endpoints": `[{"port":20880,"protocol":"dubbo"}]`, "dubbo.metadata.revision": greet().Revision(), "dubbo.metadata.storage-type": "remote"},
		registry.Local3: {
			"dubbo.endpoints": `[{"port":20880,"protocol":"dubbo"}]`, "dubbo.metadata.revision": greet().Revision(), "dubbo.metadata.storage-type": "local", "meta-v": "1.0.0",
			"dubbo.metadata-service.url-params": `{"dubbo":"2.0.2","port":"20880","prefer.serialization":"hessian2","protocol":"dubbo","serialization":"hessian2","side":"provider","version":"1.0.0"}`,
		},
		registry.Local27: {
			"dubbo.endpoints": `[{"port":20880,"protocol":"dubbo"}]`, "dubbo.metadata.revision": greet().Revision(), "dubbo.metadata.storage-type": "local",
			"dubbo.metadata-service.url-params": `{"dubbo":{"dubbo":"2.0.2","port":"20880","version":"1.0.0"}}`,
		},
	} {
		r.Storage = storage
		i, err := r.AppInstance(1024)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, i.Metadata); diff != "" {
			t.Errorf("storage %d (-want +got):\n%s", storage, diff)
		}
	}
}

func TestInterfaceLevelDropsWhatDescribesAndKeepsWhatSteers(t *testing.T) {
	t.Parallel()
	r := registrationOf(greet())
	s := r.Metadata.Services[0]
	s.Params = map[string]string{"timeout": "10000", "retries": "0", "methods": strings.Repeat("m", 5000), "release": "dubbofn"}
	_, all, err := r.InterfaceInstance(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := all.Metadata["methods"]; ok {
		t.Error("the list of methods is there")
	}
	size := func(m map[string]string) int {
		n := 0
		for k, v := range m {
			n += len(k) + len(v)
		}
		return n
	}
	limit := size(all.Metadata)
	for _, goes := range []string{"release", "deprecated", "anyhost", "generic", "dynamic", "side", "dubbo", "application"} {
		limit--
		_, got, err := r.InterfaceInstance(s, limit)
		if err != nil {
			t.Fatalf("limit %d: %v", limit, err)
		}
		delete(all.Metadata, goes)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(all.Metadata)), slices.Sorted(maps.Keys(got.Metadata))); diff != "" {
			t.Fatalf("limit %d, %q goes (-want +got):\n%s", limit, goes, diff)
		}
		limit = size(all.Metadata)
	}
	if _, _, err := r.InterfaceInstance(s, limit-1); err == nil || !strings.Contains(err.Error(), "characters") {
		t.Errorf("with nothing left to drop the error is %v", err)
	}
}

func TestSizesAreCountedAsJavaCounts(t *testing.T) {
	t.Parallel()
	r := registrationOf(greet())
	i, err := r.AppInstance(0)
	if err != nil {
		t.Fatal(err)
	}
	used := 0
	for k, v := range i.Metadata {
		used += len(k) + len(v)
	}
	r.Instance.Metadata = map[string]string{"é😀": ""} // one and two UTF-16 units
	if _, err := r.AppInstance(used + 3); err != nil {
		t.Errorf("3 more characters: %v", err)
	}
	if _, err := r.AppInstance(used + 2); err == nil {
		t.Error("3 more characters than the limit allows were taken")
	}
}

func TestEndpointsFallBackToTheInstancesPort(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]registry.Endpoint{
		"":         {{Port: 7, Protocol: "dubbo"}},
		"nonsense": {{Port: 7, Protocol: "dubbo"}},
		"[]":       {{Port: 7, Protocol: "dubbo"}},
		`[{"port":8,"protocol":"tri"},{"port":9,"protocol":"dubbo"}]`: {{Port: 8, Protocol: "tri"}, {Port: 9, Protocol: "dubbo"}},
	} {
		i := registry.Instance{Host: "h", Port: 7, Metadata: map[string]string{"dubbo.endpoints": text}}
		if diff := cmp.Diff(want, i.Endpoints()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}
