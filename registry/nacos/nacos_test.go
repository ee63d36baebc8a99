package nacos

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
	"go.uber.org/goleak"

	"github.com/dubbofn/dubbofn/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAddressesAreReadWithTheirDefaults(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]struct {
		host       string
		port, grpc uint64
	}{
		"nacos.example":      {"nacos.example", 8848, 9848},
		"nacos.example:0":    {"nacos.example", 8848, 9848},
		"10.0.0.1:18848":     {"10.0.0.1", 18848, 19848},
		"[::1]:8848":         {"[::1]", 8848, 9848},
		"[::1]":              {"[::1]", 8848, 9848},
		"::1":                {"[::1]", 8848, 9848},
		"nacos.example:8849": {"nacos.example", 8849, 9849},
	} {
		got, err := serverOf(address)
		if err != nil || got.IpAddr != want.host || got.Port != want.port || got.GrpcPort != want.grpc {
			t.Errorf("%s gives %+v, %v; want %+v", address, got, err, want)
		}
	}
	for _, address := range []string{"", ":8848", "host:x", "host:65000", "host:-1"} {
		if got, err := serverOf(address); err == nil {
			t.Errorf("%q gives %+v, want an error", address, got)
		}
	}
}

func TestParametersAreReadAndFaultsToldTogether(t *testing.T) {
	t.Parallel()
	s, err := read("nacos", registry.Config{Addresses: []string{"a:1", "b"}, Params: map[string]string{
		"namespace": "public", "username": "u", "password": "p", "timeout": "250", "interface": "ignored",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if s.namespace != "" || namingNamespace(s.namespace) != "public" || s.group != "DEFAULT_GROUP" || s.user != "u" || s.password != "p" || s.timeout != 250*time.Millisecond || len(s.servers) != 2 {
		t.Errorf("settings are %+v", s)
	}
	_, err = read("nacos", registry.Config{Scheme: "zookeeper", Params: map[string]string{"timeout": "soon"}})
	for _, want := range []string{`scheme "zookeeper"`, `timeout "soon"`, "no address"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in the error: %v", want, err)
		}
	}
	_, err = Registry.Open(t.Context(), registry.Config{Addresses: []string{"host:65000"}})
	if err == nil || !strings.Contains(err.Error(), "64535") {
		t.Errorf("opening on a port that leaves no room for gRPC gives %v", err)
	}
}

func TestTheSameFaultOfBothConnectionsIsToldOnce(t *testing.T) {
	t.Parallel()
	first, second := errors.New("nobody answers"), errors.New("refused")
	for want, both := range map[string][2]error{
		"nobody answers": {first, errors.New("nobody answers")}, "nobody answers\nrefused": {first, second}, "refused": {nil, second},
	} {
		if err := oneOf(both[0], both[1]); err == nil || err.Error() != want {
			t.Errorf("%v; want %q", err, want)
		}
	}
	if err := oneOf(nil, nil); err != nil {
		t.Error(err)
	}
}

func TestAMappingsListIsReadAsJavaWritesIt(t *testing.T) {
	t.Parallel()
	for list, want := range map[string][]string{
		"": nil, "a": {"a"}, "a,b": {"a", "b"}, " a , b ,": {"a", "b"}, "b,a,b": {"b", "a"}, ",,": nil,
	} {
		if diff := cmp.Diff(want, split(list)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", list, diff)
		}
	}
}

func TestOnlyUsableInstancesAreGiven(t *testing.T) {
	t.Parallel()
	host := func(ip string, port uint64, healthy, enabled bool, weight float64) model.Instance {
		return model.Instance{Ip: ip, Port: port, Healthy: healthy, Enable: enabled, Weight: weight, Metadata: map[string]string{"application": "greet"}}
	}
	s := model.Service{Hosts: []model.Instance{
		host("10.0.0.2", 1, true, true, 1), host("10.0.0.1", 2, true, true, 1), host("10.0.0.1", 1, true, true, 1),
		host("10.0.0.3", 1, false, true, 1), host("10.0.0.4", 1, true, false, 1), host("10.0.0.5", 1, true, true, 0),
	}}
	var got []string
	for _, i := range usable(registry.Name{Interface: "org.example.S"}, s) {
		got = append(got, i.App+" "+i.Address())
	}
	if diff := cmp.Diff([]string{"greet 10.0.0.1:1", "greet 10.0.0.1:2", "greet 10.0.0.2:1"}, got); diff != "" {
		t.Errorf("instances (-want +got):\n%s", diff)
	}
}

func TestACheckSeesWhatTheServerDoesNotHave(t *testing.T) {
	t.Parallel()
	i := func(port uint64, revision string) model.Instance {
		return model.Instance{Ip: "10.0.0.1", Port: port, Metadata: map[string]string{"dubbo.metadata.revision": revision}}
	}
	have := model.Service{Hosts: []model.Instance{i(1, "a"), i(2, "b")}}
	for name, c := range map[string]struct {
		want []model.Instance
		ok   bool
	}{
		"all there":        {[]model.Instance{i(1, "a"), i(2, "b")}, true},
		"nothing wanted":   {nil, true},
		"another revision": {[]model.Instance{i(1, "b")}, false},
		"one missing":      {[]model.Instance{i(1, "a"), i(3, "a")}, false},
	} {
		if got := held(have, c.want); got != c.ok {
			t.Errorf("%s: held is %t", name, got)
		}
	}
}

func TestWhatIsLeftIsSentAfterWhatIsJoined(t *testing.T) {
	t.Parallel()
	c := &center{slots: map[string]*slot{}}
	one, two := &lease{c: c}, &lease{c: c}
	c.want(one, map[string]model.Instance{"a": {Port: 1}, "b": {Port: 1}})
	c.want(two, map[string]model.Instance{"a": {Port: 2}})
	var names []string
	for _, s := range c.want(one, map[string]model.Instance{"c": {Port: 1}})[1:] {
		names = append(names, s.name)
	}
	if len(names) != 2 || strings.Contains(strings.Join(names, ""), "c") {
		t.Errorf("after the joined name come %v, want a and b", names)
	}
	if got := c.slots["a"].want; len(got) != 1 || got[two].Port != 2 {
		t.Errorf("under a there is %v, want the other lease", got)
	}
}

func TestAWatchTellsEachDifferentState(t *testing.T) {
	t.Parallel()
	s := newState[string]()
	s.set([]string{"a"})
	ctx, cancel := context.WithCancel(t.Context())
	told := make(chan []string)
	over := make(chan struct{})
	done := make(chan error, 2)
	go func() { done <- s.follow(ctx, over, func(v []string) { told <- v }) }()
	for _, v := range [][]string{{"a"}, {"a", "b"}, {}} {
		s.set(v)
		if diff := cmp.Diff(v, <-told); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		s.set(v) // the same again is not told
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("ended by its context it gives %v, want nil", err)
	}
	go func() { done <- s.follow(t.Context(), over, func([]string) {}) }()
	close(over)
	if err := <-done; !errors.Is(err, registry.ErrClosed) {
		t.Errorf("ended by a close it gives %v, want ErrClosed", err)
	}
}

func TestAServersWordsAreShortAndOnOneLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "no reason given", "a\n b\t c": "a b c", strings.Repeat("x", 400): strings.Repeat("x", 300) + "…"} {
		if got := oneLine(text); got != want {
			t.Errorf("%q gives %q", text, got)
		}
	}
}
