package nacos

import (
	"context"
	"crypto/md5" // Nacos names contents by MD5
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
	"github.com/nacos-group/nacos-sdk-go/v2/common/security"

	"github.com/dubbofn/dubbofn/registry"
)

// key names a config.
type key struct{ group, dataID string }

func (k key) String() string { return k.group + "/" + k.dataID }

// Where Dubbo keeps what (Java: NacosMetadataReport, 3.3.6; NacosDynamicConfiguration, 2.7.23).
func metadataKey(app, revision string) key { return key{revision, app} }
func mappingKey(iface string) key          { return key{"mapping", iface} }
func legacyKey(iface, app string) key      { return key{"mapping-" + iface, app} }
func definitionKey(s registry.Service, app string) key {
	return key{"dubbo", s.Name + ":" + s.Version + ":" + s.Group + ":provider:" + app}
}

// codes of a config query's answer (Java: ConfigQueryResponse, Nacos 2.3).
const (
	configNotFound = 300
	configModified = 400 // being written at this moment
)

// Pauses between tries, doubled up to the second and each up to a half longer by chance.
const (
	pauseFirst = 50 * time.Millisecond
	pauseLast  = 2 * time.Second
)

func pauseOf(n int) time.Duration {
	d := min(pauseFirst<<min(n, 10), pauseLast)
	return d + rand.N(d/2)
}

// pause waits for the nth time, or until ctx ends.
func pause(ctx context.Context, n int) error {
	t := time.NewTimer(pauseOf(n))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// read gives a config's content; found is false where there is none.
func (c *center) read(ctx context.Context, k key) (content string, found bool, err error) {
	for n := 0; ; n++ {
		req := rpc_request.NewConfigQueryRequest(k.group, k.dataID, c.s.namespace)
		r, err := c.config.ask(ctx, c.headed(req), security.BuildConfigResourceByRequest(req))
		if err != nil {
			return "", false, fmt.Errorf("read config %s: %w", k, err)
		}
		q, ok := r.(*rpc_response.ConfigQueryResponse)
		switch {
		case ok && q.IsSuccess():
			return q.Content, true, nil
		case r.GetErrorCode() == configNotFound:
			return "", false, nil
		case r.GetErrorCode() == configModified && n < 10:
			if err := pause(ctx, n); err != nil {
				return "", false, fmt.Errorf("read config %s: it is being written: %w", k, err)
			}
		default:
			return "", false, refusal("reading config "+k.String(), r)
		}
	}
}

// headed gives a config request the headers that the SDK's own client sends.
func (c *center) headed(r rpc_request.IRequest) rpc_request.IRequest {
	now := strconv.FormatInt(time.Now().UnixMilli(), 10)
	h := r.GetHeaders()
	h[constant.CLIENT_APPNAME_HEADER] = "dubbofn"
	h[constant.CLIENT_REQUEST_TS_HEADER] = now
	h[constant.CLIENT_REQUEST_TOKEN_HEADER] = digest(now)
	h[constant.EX_CONFIG_INFO] = "true"
	h[constant.CHARSET_KEY] = "utf-8"
	return r
}

func digest(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

const (
	serverFault  = 500 // the server failed, perhaps for want of a lock in its database: the same write may succeed a moment later
	conflict     = 409
	publishTries = 4
)

// errLost says that a write by compare-and-set found another content there, or that the server failed: both have code 500.
var errLost = errors.New("the content may have changed meanwhile")

// publish writes a config. With cas it is written only while the present content has that digest (or there is none), else errLost.
func (c *center) publish(ctx context.Context, k key, content, cas string) error {
	for n := 1; ; n++ {
		req := rpc_request.NewConfigPublishRequest(k.group, k.dataID, c.s.namespace, content, cas)
		r, err := c.config.ask(ctx, c.headed(req), security.BuildConfigResourceByRequest(req))
		if err != nil {
			return fmt.Errorf("write config %s: %w", k, err)
		}
		code := r.GetErrorCode()
		switch err = refusal("writing config "+k.String(), r); {
		case err != nil && cas != "" && (code >= serverFault || code == conflict):
			return fmt.Errorf("%w: %w", errLost, err)
		case err == nil || code != serverFault || n >= publishTries || pause(ctx, n) != nil:
			return err
		}
	}
}

// ensure writes a config unless it has that content, and returns when readers see it: Nacos answers a write before that.
func (c *center) ensure(ctx context.Context, k key, content string) error {
	for n := 0; ; n++ {
		now, found, err := c.read(ctx, k)
		if err != nil {
			return err
		}
		if found && now == content {
			return nil
		}
		if n%5 == 0 { // again after a while: someone else may have written something else
			if err := c.publish(ctx, k, content, ""); err != nil {
				return err
			}
		}
		if err := pause(ctx, min(n, 3)); err != nil {
			return fmt.Errorf("write config %s: written, but not readable yet: %w", k, err)
		}
	}
}

// exists writes a config where there is none.
func (c *center) exists(ctx context.Context, k key, content string) error {
	if _, found, err := c.read(ctx, k); err != nil || found {
		return err
	}
	return c.publish(ctx, k, content, "")
}

// join adds app to the comma-separated list of an interface by compare-and-set, as Dubbo 3.x providers do.
// What is read can be older than what is compared with, so a lost race is tried again until ctx ends; any other refusal is final.
func (c *center) join(ctx context.Context, iface, app string) error {
	k := mappingKey(iface)
	for n := 0; ; n++ {
		now, _, err := c.read(ctx, k)
		if err != nil {
			return err
		}
		apps := split(now)
		if slices.Contains(apps, app) {
			return nil
		}
		err = c.publish(ctx, k, strings.Join(append(apps, app), ","), digest(now))
		if err != nil && !errors.Is(err, errLost) {
			return err
		}
		if e := pause(ctx, min(n, 4)); e != nil {
			return errors.Join(fmt.Errorf("add %s to the applications of %s: tried %d times: %w", app, iface, n+1, e), err)
		}
	}
}

// split reads a mapping's list: in order, each once.
func split(list string) []string {
	var apps []string
	for a := range strings.SplitSeq(list, ",") {
		if a = strings.TrimSpace(a); a != "" && !slices.Contains(apps, a) {
			apps = append(apps, a)
		}
	}
	return apps
}

// legacyApps lists the applications that registered for Dubbo 2.7: the data ids of a group, which only HTTP can list.
func (c *center) legacyApps(ctx context.Context, iface string) ([]string, error) {
	const page, pages = 200, 50
	var apps []string
	for n := 1; n <= pages; n++ {
		params := map[string]string{
			"search": "accurate", "dataId": "", "group": legacyKey(iface, "").group, "pageNo": strconv.Itoa(n), "pageSize": strconv.Itoa(page),
		}
		if c.s.namespace != "" {
			params["tenant"] = c.s.namespace
		}
		body, err := c.http(ctx, params)
		if err != nil {
			return nil, fmt.Errorf("list configs of group %s: %w", params["group"], err)
		}
		var found struct {
			TotalCount int `json:"totalCount"`
			PageItems  []struct {
				DataID string `json:"dataId"`
			} `json:"pageItems"`
		}
		if err := json.Unmarshal([]byte(body), &found); err != nil {
			return nil, fmt.Errorf("list configs of group %s: %w", params["group"], err)
		}
		for _, i := range found.PageItems {
			apps = append(apps, i.DataID)
		}
		if len(found.PageItems) < page || len(apps) >= found.TotalCount {
			break
		}
	}
	return apps, nil
}

// http asks the config service's HTTP interface.
func (c *center) http(ctx context.Context, params map[string]string) (string, error) {
	type answer struct {
		body string
		err  error
	}
	done := make(chan answer, 1)
	if !c.begin() {
		return "", registry.ErrClosed
	}
	go func() {
		defer c.wg.Done()
		body, err := c.server.ReqConfigApi(constant.CONFIG_PATH, params, nil, http.MethodGet, uint64(c.s.timeout.Milliseconds()))
		done <- answer{body, err}
	}()
	select {
	case a := <-done:
		return a.body, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
