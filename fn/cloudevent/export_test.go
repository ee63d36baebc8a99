package cloudevent

import "time"

// NewMemory is the store of one process, for the suite of stores, which this package can't import.
func NewMemory(window time.Duration) Seen { return newMemory(window, 1000, 1<<20) }
