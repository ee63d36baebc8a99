package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// What Nacos's HTTP interface is asked for is what its gRPC one does not tell: who has registered what, in every namespace and group
// (Nacos 2: ClientInfoControllerV2), and whether a Dubbo 2.7 consumer, which does not log in, may list mappings.
const (
	maxNacosBytes = 4 << 20
	maxClients    = 500
	nacosAtOnce   = 8
)

// published is one thing that a client of Nacos has registered.
type published struct {
	Namespace string `json:"namespace"`
	Group     string `json:"group"`
	Name      string `json:"serviceName"`
}

// nacosURL is a page of the first server.
func (x *examination) nacosURL(path string) string {
	return "http://" + x.url.Addresses(8848)[0] + "/nacos" + path
}

// nacos asks the HTTP interface, as the registry's user.
func (x *examination) nacos(ctx context.Context, token, path string, params url.Values, into any) error {
	if token != "" {
		params.Set("accessToken", token)
	}
	at := x.nacosURL(path)
	if len(params) > 0 {
		at += "?" + params.Encode()
	}
	status, body, err := get(ctx, at, maxNacosBytes)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("GET %s: status %d", path, status)
	}
	if err != nil || into == nil {
		return err
	}
	if s, ok := into.(*string); ok {
		*s = string(body)
		return nil
	}
	return json.Unmarshal(body, into)
}

// nacosLogin gives the token of the registry's user; "" without one.
func (x *examination) nacosLogin(ctx context.Context) string {
	name, secret := x.url.User, x.url.Password
	if name == "" {
		name, secret = x.url.Param("username"), x.url.Param("password")
	}
	if name == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	form := url.Values{"username": {name}, "password": {secret}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, x.nacosURL("/v1/auth/login"), strings.NewReader(form))
	if err != nil {
		return ""
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	t := &http.Transport{DisableKeepAlives: true}
	defer t.CloseIdleConnections()
	resp, err := t.RoundTrip(req)
	if err != nil {
		return ""
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	var answer struct {
		Token string `json:"accessToken"`
	}
	if json.NewDecoder(io.LimitReader(resp.Body, maxNacosBytes)).Decode(&answer) != nil {
		return ""
	}
	return answer.Token
}

// everything gives what every client of this Nacos has registered, each once.
func (x *examination) everything(ctx context.Context, token string) ([]published, error) {
	var clients struct {
		Data []string `json:"data"`
	}
	if err := x.nacos(ctx, token, "/v2/ns/client/list", url.Values{}, &clients); err != nil {
		return nil, err
	}
	var (
		mu    sync.Mutex
		found = map[published]bool{}
		wg    sync.WaitGroup
		room  = make(chan struct{}, nacosAtOnce)
	)
	for _, id := range clients.Data[:min(len(clients.Data), maxClients)] {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			var one struct {
				Data []published `json:"data"`
			}
			if x.nacos(ctx, token, "/v2/ns/client/publish/list", url.Values{"clientId": {id}}, &one) != nil {
				return // it has gone, perhaps
			}
			mu.Lock()
			defer mu.Unlock()
			for _, p := range one.Data {
				found[p] = true
			}
		})
	}
	wg.Wait()
	all := make([]published, 0, len(found))
	for p := range found {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b published) int {
		return strings.Compare(a.Namespace+"\x00"+a.Group+"\x00"+a.Name, b.Namespace+"\x00"+b.Group+"\x00"+b.Name)
	})
	return all, nil
}

// elsewhere gives where in this Nacos, but not in the consumer's namespace and group, an interface is offered: by one of apps, by an
// application that another namespace's mapping names, or at interface level.
func (x *examination) elsewhere(ctx context.Context, iface string, apps []string) []published {
	if x.url.Protocol != "nacos" {
		return nil
	}
	token := x.nacosLogin(ctx)
	all, err := x.everything(ctx, token)
	if err != nil {
		return nil
	}
	mapped := map[string][]string{}
	var found []published
	for _, p := range all {
		if p.Namespace == namespaceOf(x.url) && p.Group == groupOf(x.url) {
			continue
		}
		names, ok := mapped[p.Namespace]
		if !ok {
			names = x.mappedIn(ctx, token, p.Namespace, iface)
			mapped[p.Namespace] = names
		}
		if slices.Contains(names, p.Name) || slices.Contains(apps, p.Name) || strings.HasPrefix(p.Name, "providers:"+iface+":") {
			found = append(found, p)
		}
	}
	slices.SortStableFunc(found, func(a, b published) int { // applications first
		return strings.Compare(strings.Repeat("1", strings.Count(a.Name, ":")), strings.Repeat("1", strings.Count(b.Name, ":")))
	})
	return found
}

// mappedIn reads the mapping of another namespace.
func (x *examination) mappedIn(ctx context.Context, token, namespace, iface string) []string {
	params := url.Values{"dataId": {iface}, "group": {"mapping"}}
	if namespace != "public" {
		params.Set("tenant", namespace)
	}
	var text string
	if x.nacos(ctx, token, "/v1/cs/configs", params, &text) != nil {
		return nil
	}
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' })
}

// listsUnknown tells whether Nacos lists mappings to somebody who did not log in, as a Dubbo 2.7 consumer does not.
func (x *examination) listsUnknown(ctx context.Context, iface string) bool {
	params := url.Values{"search": {"accurate"}, "dataId": {""}, "group": {"mapping-" + iface}, "pageNo": {"1"}, "pageSize": {"1"}}
	if n := x.url.Param("namespace"); n != "" && n != "public" {
		params.Set("tenant", n)
	}
	return x.nacos(ctx, "", "/v1/cs/configs", params, nil) == nil
}
