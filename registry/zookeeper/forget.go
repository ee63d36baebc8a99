package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-zookeeper/zk"

	"github.com/dubbofn/dubbofn/registry"
)

// Forget takes away the metadata document of one revision of an application ("": of none), and takes the application out of the
// mappings of interfaces, as both Dubbo lines read them. What isn't there is no error. That nobody needs it is the caller's to know.
func (c *center) Forget(ctx context.Context, app, revision string, interfaces []string) error {
	if !c.begin() {
		return registry.ErrClosed
	}
	err := c.run(ctx, func() error {
		return c.again(ctx, func() error {
			if revision != "" {
				if err := c.leave(c.s.metadataPath(app, revision)); err != nil {
					return err
				}
			}
			for _, iface := range interfaces {
				if err := c.depart(iface, app); err != nil {
					return err
				}
				if err := c.leave(c.s.legacyPath(iface) + "/" + app); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("forget %s: %w", app, err)
	}
	return nil
}

// depart takes app out of an interface's mapping, as join adds it.
func (c *center) depart(iface, app string) error {
	path := c.s.mappingPath(iface)
	for range 100 {
		b, stat, err := c.conn.Get(path)
		if errors.Is(err, zk.ErrNoNode) {
			return nil
		}
		if err != nil {
			return err
		}
		apps := splitApps(string(b))
		rest := slices.DeleteFunc(slices.Clone(apps), func(a string) bool { return a == app })
		switch {
		case len(rest) == len(apps):
			return nil
		case len(rest) == 0:
			err = c.conn.Delete(path, stat.Version)
		default:
			_, err = c.conn.Set(path, []byte(strings.Join(rest, ",")), stat.Version)
		}
		if !errors.Is(err, zk.ErrBadVersion) && !errors.Is(err, zk.ErrNoNode) {
			return err
		}
	}
	return fmt.Errorf("take %s out of the applications of %s: others write it all the time", app, iface)
}
