package doctor

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/certtest"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
)

func TestClassesThatDubbo3RefusesAreNamed(t *testing.T) {
	t.Parallel()
	m := &fn.Manifest{
		App: "shop",
		Services: []fn.ServiceInfo{
			{Interface: "org.example.shop.Shop", Methods: []fn.MethodInfo{{
				Name: "buy", Parameters: []string{"java.util.Map<java.lang.String,org.other.Order[]>"}, Result: "java.lang.Object", Throws: []string{"org.third.Refused"},
			}}},
			{Interface: "org.example.stock.Stock", Methods: []fn.MethodInfo{{Name: "look", Result: "com.stock.Level"}}},
		},
		Types: []fn.TypeInfo{
			{Class: "org.other.Order", Kind: "class", Super: "org.base.Base", Fields: []fn.FieldInfo{{Name: "lines", Type: "java.util.List<net.lines.Line>"}}},
			{Class: "org.base.Base", Kind: "class", Super: "org.other.Order"}, // a manifest that was read may say so
			{Class: "net.lines.Line", Kind: "class"},
			{Class: "org.third.Refused", Kind: "exception"},
			{Class: "org.third.Undeclared", Kind: "exception"},
			{Class: "org.example.shop.hidden.Near", Kind: "class"}, // Dubbo trusts three parts of a trusted class's name
			{Class: "org.other.Orders", Kind: "class"},             // and names that begin with a trusted one
			{Class: "com.stock.Level", Kind: "enum"},               // another service's
			{Class: "com.elsewhere.Parcel", Kind: "class"},
			{Class: "com.elsewhere.Shape", Kind: "interface"},
		},
	}
	key := invoker.ServiceKey{Interface: "org.example.shop.Shop"}
	want := []string{"org.third.Undeclared", "com.elsewhere.Parcel"}
	if diff := cmp.Diff(want, untrusted(m, key, nil)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want[:1], untrusted(m, key, []string{"com.elsewhere.", ""})); diff != "" {
		t.Error(diff)
	}
}

func TestCertificatesAreLookedAtAsTheConsumerVerifiesThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ours, err := certtest.New(dir, "ours")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := certtest.New(dir, "theirs")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		by    *certtest.Authority
		host  string
		until time.Duration
		want  State
		says  string
		mend  string
	}{
		"good":    {ours, "127.0.0.1", 1000 * time.Hour, OK, "is good until", ""},
		"soon":    {ours, "127.0.0.1", time.Hour, Warn, "ends soon", "openssl"},
		"expired": {ours, "127.0.0.1", -time.Hour, Bad, " ended ", "subjectAltName=IP:127.0.0.1"},
		"name":    {ours, "shop.example.org", time.Hour, Bad, "for others: shop.example.org", "DUBBOFN_TLS_SERVER_NAME=shop.example.org"},
		"signer":  {theirs, "127.0.0.1", time.Hour, Bad, "does not trust", "DUBBOFN_TLS_CA"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cert, key, err := test.by.Issue(name, test.host, 2, time.Now().Add(test.until))
			if err != nil {
				t.Fatal(err)
			}
			certs, err := auth.NewTLS(auth.TLSConfig{CertFile: cert, KeyFile: key, ClientAuth: auth.ClientAuthNone})
			if err != nil {
				t.Fatal(err)
			}
			w := newWard(t)
			w.register(w.provider("greet", certs, greet()))
			c := w.config()
			c.TLS = auth.TLSConfig{CAFile: ours.File}
			f, all := w.check(c, "certificate")
			if f.State != test.want || !strings.Contains(f.Title, test.says) || !strings.Contains(f.Mend, test.mend) {
				t.Errorf("%+v\n%v", f, all)
			}
			address, _ := w.check(c, "address")
			if want := map[bool]State{true: Skipped, false: OK}[test.want == Bad]; address.State != want {
				t.Errorf("the address: %v", address)
			}
		})
	}
}

// fakeNacos answers what HTTP is asked for.
func fakeNacos(t *testing.T) (address string) {
	t.Helper()
	mux := http.NewServeMux()
	text := func(path, body string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
	}
	text("/nacos/v2/ns/client/list", `{"data":["a","b"]}`)
	mux.HandleFunc("/nacos/v2/ns/client/publish/list", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, map[string]string{
			"a": `{"data":[{"namespace":"dev","group":"DEFAULT_GROUP","serviceName":"greet"},{"namespace":"dev","group":"DEFAULT_GROUP","serviceName":"other"}]}`,
			"b": `{"data":[{"namespace":"public","group":"blue","serviceName":"greet"},{"namespace":"public","group":"DEFAULT_GROUP","serviceName":"greet"}]}`,
		}[r.FormValue("clientId")])
	})
	mux.HandleFunc("/nacos/v1/cs/configs", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("tenant") == "dev" && r.FormValue("group") == "mapping" {
			fmt.Fprint(w, "greet,gone")
			return
		}
		http.NotFound(w, r)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestWhatIsElsewhereInNacosIsFound(t *testing.T) {
	t.Parallel()
	u, err := invoker.ParseURL("nacos://" + fakeNacos(t))
	if err != nil {
		t.Fatal(err)
	}
	x := &examination{url: u}
	if diff := cmp.Diff([]published{{"dev", "DEFAULT_GROUP", "greet"}}, x.elsewhere(t.Context(), greetService, nil)); diff != "" {
		t.Error(diff)
	}
	got := x.elsewhere(t.Context(), greetService, []string{"greet"})
	if diff := cmp.Diff([]published{{"dev", "DEFAULT_GROUP", "greet"}, {"public", "blue", "greet"}}, got); diff != "" {
		t.Error(diff)
	}
	p := &patient{name: greetService}
	if f := x.wrongPlace(p, got[0]); f.Check != "namespace" || f.Mend != "export DUBBOFN_REGISTRY='nacos://"+u.Address()+"?namespace=dev'" {
		t.Errorf("%+v", f)
	}
	if f := x.wrongPlace(p, got[1]); f.Check != "group" || f.Mend != "export DUBBOFN_REGISTRY='nacos://"+u.Address()+"?group=blue'" {
		t.Errorf("%+v", f)
	}
	x.url = with(u, "namespace", "prod")
	if f := x.wrongPlace(p, published{"public", "DEFAULT_GROUP", "greet"}); f.Mend != "export DUBBOFN_REGISTRY=nacos://"+u.Address() {
		t.Errorf("%+v", f)
	}
}

func TestShellsReadWhatIsWritten(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here")
	}
	for _, word := range []string{"", "plain", "two words", "it's", "$HOME", "`x`", "a;b", "*", "~", `back\slash`, "nacos://h:1?a=b&c=d", "!x", "#"} {
		out, err := exec.Command(bash, "-c", "printf %s "+quote(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("%q is read as %q (%v)", word, out, err)
		}
	}
	for from, want := range map[string]string{
		"nacos://127.0.0.1:8848":                     "nacos://127.0.0.1:8848",
		"nacos://a,b:9999?namespace=x%26y&group=g":   "nacos://a,b:9999?group=g&namespace=x%26y",
		"nacos://me:hidden@h:8848?namespace=n":       "nacos://me:secret@h:8848?namespace=n",
		"nacos://h:8848?username=me&password=hidden": "nacos://h:8848?password=secret&username=me",
		"embedded:///var/lib/it's":                   "embedded:///var/lib/it's",
		"zookeeper://[::1]:2181":                     "zookeeper://[::1]:2181",
	} {
		u, err := invoker.ParseURL(from)
		if err != nil {
			t.Fatal(err)
		}
		text := urlText(u)
		c := exec.Command(bash, "-c", "printf %s "+text)
		c.Env = []string{"NACOS_PASSWORD=secret"}
		out, err := c.Output()
		if err != nil || string(out) != want || strings.Contains(text, "hidden") {
			t.Errorf("%s is written %s, read as %s (%v), want %s", from, text, out, err, want)
		}
	}
}

func TestSecretsAreInNoFinding(t *testing.T) {
	t.Parallel()
	x := &examination{}
	x.url, _ = invoker.ParseURL("nacos://me:hidden@h:8848")
	for _, f := range []Finding{
		refusedBy(x.url, &registry.Refusal{What: "login", Reason: "unknown user"}), x.wrongPlace(&patient{}, published{"dev", "g", "a"}),
		{Title: x.url.String(), Mend: x.doctorCommand("--fix", "mapping", "a.B") + x.offline("1.2.3.4", "20880", "a")},
	} {
		if strings.Contains(fmt.Sprintf("%+v", f), "hidden") {
			t.Errorf("%+v", f)
		}
	}
}

func TestTheWorstCounts(t *testing.T) {
	t.Parallel()
	if got := Worst([]Finding{{State: OK}, {State: Warn}, {State: Skipped}}); got != Warn || Worst(nil) != OK {
		t.Error(got)
	}
	if s := (Finding{Check: "mapping", State: Bad, Title: "none", Mend: "x"}).String(); s != "bad mapping: none (mend: x)" {
		t.Error(s)
	}
}

// FuzzMetadataPort has what an instance says of its MetadataService read: anything may stand there.
func FuzzMetadataPort(f *testing.F) {
	for _, s := range []string{`{"port":"20880","protocol":"dubbo"}`, `{"dubbo":{"port":"20881","version":"1.0.0"}}`, `{"port":1}`, `[]`, ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		port := metadataPort(registry.Instance{Port: 7, Metadata: map[string]string{"dubbo.metadata-service.url-params": text}}).Port
		if port == "" {
			t.Error("no port at all")
		}
	})
}
