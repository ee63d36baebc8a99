package hessian

import (
	"sync"
	"time"
)

// zones remembers time zones by name: loading one reads a file. Names come from the wire, so only so many are kept.
type zones struct {
	mu    sync.RWMutex
	known map[string]*time.Location // nil for a name that this machine doesn't know
}

const maxZones = 1024

// load gives the zone of that name, nil if this machine doesn't know it.
func (z *zones) load(name string) *time.Location {
	if name == "" || name == "Local" || len(name) > 64 {
		return nil
	}
	if name == "UTC" {
		return time.UTC
	}
	z.mu.RLock()
	loc, ok := z.known[name]
	full := len(z.known) >= maxZones
	z.mu.RUnlock()
	if ok || full {
		return loc
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		loc = nil
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.known == nil {
		z.known = map[string]*time.Location{}
	}
	z.known[name] = loc
	return loc
}
