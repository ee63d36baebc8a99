package directory

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/registry"
)

// maxCached bounds the documents that are kept.
const maxCached = 4096

// MetadataCache keeps applications' metadata by revision, for all directories of a process: each is fetched once, however many
// ask. Failures are not kept. The zero value is ready. Safe for concurrent use.
type MetadataCache struct {
	mu      sync.Mutex
	entries map[metadataKey]*entry
	fetches int64
}

type metadataKey struct{ source, app, revision string }

type entry struct {
	done chan struct{} // closed when it is known
	used time.Time
	meta registry.Metadata
	err  error
}

// Fetches is how many documents were asked for from registries and providers.
func (c *MetadataCache) Fetches() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fetches
}

// get gives the metadata of a revision: what is kept, else what fetch finds, which the first who asks runs. Where that one leaves, the
// next goes on.
func (c *MetadataCache) get(ctx context.Context, key metadataKey, fetch func() (registry.Metadata, error)) (registry.Metadata, error) {
	for {
		m, mine, err := c.once(ctx, key, fetch)
		if mine || !errors.Is(err, context.Canceled) || ctx.Err() != nil {
			return m, err
		}
	}
}

// once runs fetch, or waits for who does; mine tells which.
func (c *MetadataCache) once(ctx context.Context, key metadataKey, fetch func() (registry.Metadata, error)) (m registry.Metadata, mine bool, err error) {
	c.mu.Lock()
	e := c.entries[key]
	if e == nil {
		e = &entry{done: make(chan struct{})}
		if c.entries == nil {
			c.entries = map[metadataKey]*entry{}
		}
		c.trim()
		c.entries[key] = e
		c.fetches++
		c.mu.Unlock()
		e.meta, e.err = fetch()
		c.mu.Lock()
		e.used = time.Now()
		if e.err != nil && c.entries[key] == e {
			delete(c.entries, key)
		}
		c.mu.Unlock()
		close(e.done)
		return e.meta, true, e.err
	}
	e.used = time.Now()
	c.mu.Unlock()
	select {
	case <-e.done:
		return e.meta, false, e.err
	case <-ctx.Done():
		return registry.Metadata{}, false, context.Cause(ctx)
	}
}

// trim is called with the lock held; it forgets what was longest unused where there is too much.
func (c *MetadataCache) trim() {
	if len(c.entries) < maxCached {
		return
	}
	var oldest metadataKey
	var at time.Time
	for k, e := range c.entries {
		select {
		case <-e.done:
			if at.IsZero() || e.used.Before(at) {
				oldest, at = k, e.used
			}
		default:
		}
	}
	delete(c.entries, oldest)
}
