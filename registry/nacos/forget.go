package nacos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/security"

	"github.com/dubbofn/dubbofn/registry"
)

// Forget takes away the metadata document of one revision of an application ("": of none), and takes the application out of the
// mappings of interfaces, as both Dubbo lines read them. What isn't there is no error. That nobody needs it is the caller's to know. An application that is the only one in the mapping of Dubbo 3.x stays there: Nacos takes away no config
// by compare-and-set, and another application may be joining.
func (c *center) Forget(ctx context.Context, app, revision string, interfaces []string) error {
	if c.isClosing() {
		return registry.ErrClosed
	}
	if revision != "" {
		if err := c.remove(ctx, metadataKey(app, revision)); err != nil {
			return fmt.Errorf("forget %s: %w", app, err)
		}
	}
	err := atOnce(interfaces, func(iface string) error {
		return errors.Join(c.depart(ctx, iface, app), c.remove(ctx, legacyKey(iface, app)))
	})
	if err != nil {
		return fmt.Errorf("forget %s: %w", app, err)
	}
	return nil
}

// remove takes a config away.
func (c *center) remove(ctx context.Context, k key) error {
	if _, found, err := c.read(ctx, k); err != nil || !found {
		return err
	}
	req := rpc_request.NewConfigRemoveRequest(k.group, k.dataID, c.s.namespace)
	r, err := c.config.ask(ctx, c.headed(req), security.BuildConfigResourceByRequest(req))
	if err != nil {
		return fmt.Errorf("remove config %s: %w", k, err)
	}
	return refusal("removing config "+k.String(), r)
}

// depart takes app out of the list of an interface, as join adds it.
func (c *center) depart(ctx context.Context, iface, app string) error {
	k := mappingKey(iface)
	for n := 0; ; n++ {
		now, _, err := c.read(ctx, k)
		if err != nil {
			return err
		}
		apps := split(now)
		rest := slices.DeleteFunc(slices.Clone(apps), func(a string) bool { return a == app })
		if len(rest) == len(apps) || len(rest) == 0 {
			return nil
		}
		err = c.publish(ctx, k, strings.Join(rest, ","), digest(now))
		if err == nil {
			return nil
		}
		if !errors.Is(err, errLost) {
			return err
		}
		if e := pause(ctx, min(n, 4)); e != nil {
			return errors.Join(fmt.Errorf("take %s out of the applications of %s: tried %d times: %w", app, iface, n+1, e), err)
		}
	}
}
